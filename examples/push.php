<?php
// Pushes a text to one person, who finds it as a message if no page is open. Needs nothing but php-cli.
//
//   CHAT_URL=https://shop.example/chat CHAT_KEY=lc_… php push.php UID TEXT

[, $uid, $text] = $argv;

$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Authorization: Bearer ' . getenv('CHAT_KEY'),
        'Content-Type: application/json',
        'Idempotency-Key: ' . bin2hex(random_bytes(16)), // the same for every repeat: it is then carried out once
    ],
    'content' => json_encode(['uid' => $uid, 'content' => $text, 'durable' => true], JSON_THROW_ON_ERROR),
    'timeout' => 10,
    'ignore_errors' => true, // the body of a refusal says why
]]);
$answer = file_get_contents(getenv('CHAT_URL') . '/api/v1/push', false, $context);
if ($answer === false) {
    fwrite(STDERR, "no answer\n");
    exit(1);
}
$pushed = json_decode($answer, true, 512, JSON_THROW_ON_ERROR);
if (isset($pushed['code'])) {
    fwrite(STDERR, "{$pushed['status']}: {$pushed['detail']}\n");
    exit(1);
}
echo "{$pushed['users']} people and {$pushed['connections']} pages reached, {$pushed['stored']} stored\n";
