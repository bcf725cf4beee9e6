<?php
// A fresh token for whoever is logged in: the widget asks for one whenever it connects.

declare(strict_types=1);

require 'people.php';
require 'chat_token.php';

header('Content-Type: text/plain');
header('Cache-Control: no-store');
if (!isset($_SESSION['uid'])) {
    http_response_code(401);
    exit;
}
echo chat_token(getenv('SECRET_KEY'), $_SESSION['uid'], PEOPLE[$_SESSION['uid']]);
