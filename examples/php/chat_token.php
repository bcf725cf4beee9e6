<?php
// A connect token as `chat.token(uid)` makes it: who somebody is, until when, and a signature with the chat's secret key
// (itsdangerous: HMAC-SHA1 over base64url JSON, with a key derived for this one purpose). Give it to nobody but its owner.

declare(strict_types=1);

/**
 * $more may hold "avatar", "roles" (a list) and "locale". The token is good for $seconds: the chat's
 * CHAT_TOKEN_SECONDS does not matter here.
 */
function chat_token(string $secret, string $uid, ?string $name = null, int $seconds = 3600, array $more = []): string
{
    $facts = [$uid, $name ?? $uid, time() + $seconds];
    if ($more !== []) {
        $facts[] = $more;
    }
    $payload = base64url(json_encode($facts, JSON_THROW_ON_ERROR));
    $key = sha1('legacy_chat.connect' . 'signer' . $secret, true);
    return $payload . '.' . base64url(hash_hmac('sha1', $payload, $key, true));
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}
