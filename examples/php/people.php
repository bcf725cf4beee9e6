<?php
// Who may log in here. A real site asks its database.

declare(strict_types=1);

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax']);

const PEOPLE = ['1' => 'ada', '2' => 'ben'];
const PASSWORD = 'correct-horse';

function log_in(string $name, string $password): void
{
    $uid = array_search($name, PEOPLE, true);
    if ($uid !== false && hash_equals(PASSWORD, $password)) {
        session_regenerate_id(true);
        $_SESSION['uid'] = (string) $uid;
    }
}

/** The chat that is open ends with the login. */
function log_out(): void
{
    $uid = rawurlencode($_SESSION['uid'] ?? 'nobody');
    file_get_contents(getenv('CHAT_URL') . "/api/v1/people/$uid/connections", false, stream_context_create(['http' => [
        'method' => 'DELETE',
        'header' => 'Authorization: Bearer ' . getenv('CHAT_KEY'),
        'timeout' => 5,
    ]]));
    session_destroy();
}
