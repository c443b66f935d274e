<?php
// Runs once for each event: the event is on stdin, and what is printed is the result.
$event = json_decode(stream_get_contents(STDIN), true);
$body = json_decode($event['body'] ?? '', true);
$name = $body['name'] ?? 'world';
fwrite(STDERR, "greets $name\n"); // the log
echo json_encode([
	'isBase64Encoded' => false,
	'statusCode' => 200,
	'headers' => ['content-type' => 'application/json'],
	'body' => json_encode(['greeting' => "Hello, $name!"]),
]);
