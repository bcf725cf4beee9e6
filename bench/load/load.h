/* A load generator for chat servers: one thread, one epoll, raw WebSocket frames.
 *
 *   main.c       options; picks the work
 *   works.c      what is asked of a server: a big room, small rooms, private messages, many connections
 *   protocols.c  how each kind of server wants to be spoken to
 *   wire.c       sockets, buffers, WebSocket frames
 *   measure.c    marks in messages, clock, latencies, the server's CPU time and memory
 *
 * Connections stand in groups of `group_size` (a room, or the two of a private conversation);
 * the first `senders` of each group write. Every message carries a mark with its sender, its number
 * and the time it was due, so that each receiver can tell what is lost, doubled or out of order.
 * The result is one JSON object on stdout. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MARK = 26, FRAME_BYTES = 150, LONGEST = 2048 };

struct bytes {
    char *data;
    size_t used, room;
};

enum state { CLOSED, UPGRADING, OPENING, READY, CLOSING };

struct conn {
    int fd;
    enum state state;
    bool stuck;            /* the kernel took less than was offered: wait for EPOLLOUT */
    uint32_t index, first; /* its own number, and that of the first connection of its group */
    struct bytes in, out;  /* the unfinished rest of the last read; what waits to be written */
    uint32_t sent;         /* messages sent so far, which is also the number of the next one */
    uint32_t lacking;      /* receipts that its message in flight still lacks (closed loop) */
    uint64_t said_at;      /* when that message went out */
    uint64_t seq, top;     /* where the server numbers: the last number delivered, the highest seen */
    uint64_t numbered;     /* how many numbers it saw: equals `top` when there is no hole */
};

/* How a server is spoken to. `other` gets every frame that carries no mark. */
struct protocol {
    const char *name;
    size_t envelope; /* what a delivered frame holds beside the content: frames are of one size for all servers */
    void (*target)(char *out, const struct conn *c);
    void (*opened)(struct conn *c);
    void (*other)(struct conn *c, const char *text, size_t length);
    void (*delivered)(struct conn *c, const char *text, size_t length);
    int (*say)(char *out, const struct conn *c, const char *content);
    int (*tell)(char *out, const struct conn *c, const struct conn *to, const char *content);
};

struct options {
    const struct protocol *protocol;
    uint16_t port;
    char **tokens; /* one for each connection, for servers that want one */
    uint32_t token_count, conns;
    int pids[16], pid_count;
    double seconds;
};

/* What must not happen. `refused` counts error frames, `missing` what never came. */
struct faults {
    uint64_t gaps, repeats, strays, numbering, missing, closed, refused;
};

struct world {
    struct options options;
    struct conn *conns;
    uint32_t count, group_size, senders;
    bool in_rooms, in_private;
    uint32_t *expected; /* [receiver * senders + place of the sender in its group] */
    uint32_t ready, closing;
    uint64_t read_at; /* when the bytes that are being taken were read */
    uint64_t pending; /* deliveries and acks that are still due */
    uint64_t deliveries, delivered_bytes;
    struct faults faults;
};

extern struct world world;
extern const struct protocol plain, socketio, chat;

/* wire.c */
void wire_start(void);
void dial(struct conn *c);
void say_goodbye(struct conn *c); /* the closing handshake; the server ends the connection */
void send_text(struct conn *c, const char *text, size_t length);
void turn(uint64_t until); /* one round of the loop; returns at `until` at the latest */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* works.c; the first three are told by the wire and the protocols */
void on_ready(struct conn *c);
void on_message(struct conn *c, const char *mark, size_t frame_length);
void on_ack(struct conn *c);
void work_fan(void);
void work_rooms(void);
void work_private(void);
void work_idle(void);

/* measure.c */
struct mark {
    uint32_t sender, number;
    uint64_t age; /* nanoseconds since it was due */
};

struct histogram {
    uint64_t total;
    uint32_t counts[64 * 32];
};

struct usage {
    double server, load; /* CPU seconds */
    double waited;       /* seconds in which the load could run but another process had its core */
};

uint64_t now(void); /* nanoseconds since the program started */
void write_mark(char *out, uint32_t sender, uint32_t number, uint64_t due);
const char *find_mark(const char *text, size_t length);
struct mark read_mark(const char *mark, uint64_t at);
void record(struct histogram *h, uint64_t ns);
double quantile_ms(const struct histogram *h, double share);
struct usage cpu_used(void);
double server_memory(void);

#endif
