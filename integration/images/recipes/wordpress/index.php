<?php // SPDX-License-Identifier: Apache-2.0
session_start();
$_SESSION["n"] = 1;
file_put_contents("uploads.txt", "x\n", FILE_APPEND);
$db = new SQLite3(__DIR__ . "/app.db");
$db->exec("CREATE TABLE IF NOT EXISTS visits (at TEXT)");
$db->exec("INSERT INTO visits VALUES (datetime())");
echo "visits " . $db->querySingle("SELECT count(*) FROM visits") . "\n";
