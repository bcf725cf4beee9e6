// Somebody at the `ws` library: `node talk.mjs URL`. Each line of standard input is a text to send, as JSON; each line of
// output is what happened, as JSON: ["open"], ["message", text] or ["closed", code].

import { createInterface } from "node:readline";
import WebSocket from "ws";

const tell = (...what) => console.log(JSON.stringify(what));
const socket = new WebSocket(process.argv[2]);
socket.on("open", () => tell("open"));
socket.on("message", (data) => tell("message", data.toString()));
socket.on("error", ({ message }) => tell("error", message));
socket.on("close", (code) => { tell("closed", code); process.exit(0); });

const input = createInterface({ input: process.stdin });
input.on("line", (line) => socket.send(JSON.parse(line)));
input.on("close", () => socket.close(1000));
