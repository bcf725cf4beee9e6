// Peer: Node's socket.io, with its own rooms and acks.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("login", (uid, room) => {
    socket.join([room, "user " + uid]);
    socket.emit("login");
  });
  socket.on("group", (room, text) => io.to(room).emit("group", text));
  socket.on("pm", (uid, text, ack) => {
    io.to("user " + uid).emit("pm", text);
    ack(true);
  });
});

http.listen(Number(process.argv[2]), "127.0.0.1", 2048);
