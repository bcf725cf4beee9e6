// Peer: Node's ws.
import { WebSocketServer } from "ws";

const rooms = new Map();
const people = new Map();

const roomNamed = (name) => rooms.get(name) ?? rooms.set(name, new Set()).get(name);

const takes = {
  L(socket, text) {
    [, socket.uid, socket.room] = text.split(" ");
    roomNamed(socket.room).add(socket);
    people.set(socket.uid, socket);
    socket.send("L");
  },
  G(socket, text) {
    for (const member of roomNamed(text.split(" ", 2)[1])) member.send(text);
  },
  P(socket, text) {
    const [, uid, number] = text.split(" ", 3);
    people.get(uid)?.send(text);
    socket.send("A " + number);
  },
};

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 2048 });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const text = data.toString();
    takes[text[0]]?.(socket, text);
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    rooms.get(socket.room)?.delete(socket);
    people.delete(socket.uid);
  });
});
