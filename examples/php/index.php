<?php
// A PHP site with a login of its own, and the chat in a corner of its pages. The chat runs beside it (wsgi.py).
//
//   SECRET_KEY=… CHAT_URL=http://127.0.0.1:8000/chat CHAT_KEY=lc_… php -S 127.0.0.1:9000 -t examples/php

declare(strict_types=1);

require 'people.php';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    isset($_POST['logout']) ? log_out() : log_in($_POST['username'] ?? '', $_POST['password'] ?? '');
    header('Location: /', true, 303);
    exit;
}
$uid = $_SESSION['uid'] ?? null;
$chat = htmlspecialchars(getenv('CHAT_URL'));
?>
<!doctype html>
<html lang="en">
<title>A small site</title>
<?php if ($uid === null): ?>
<form method="post">
  <input name="username"><input name="password" type="password"><button>Log in</button>
</form>
<?php else: ?>
<p>Hello <?= htmlspecialchars(PEOPLE[$uid]) ?></p>
<form method="post"><button name="logout">Log out</button></form>
<script type="module" src="<?= $chat ?>/static/widget.js"></script>
<legacy-chat token-url="/token.php" login="/"></legacy-chat>
<?php endif ?>
