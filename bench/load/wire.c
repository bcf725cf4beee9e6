/* Sockets, buffers and WebSocket frames (RFC 6455), client side. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 64 KiB stays in the second-level cache; more was slower. */
enum { CHUNK = 64 * 1024, EVENTS = 512, SOURCES = 50 };

/* The example key of the RFC: the answer to it is known, so nothing is hashed here. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static int epoll;
static char *chunk;

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

void wire_start(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    chunk = malloc(CHUNK);
    if (epoll < 0 || !chunk)
        die("cannot start: %s", strerror(errno));
}

static void keep(struct bytes *buffer, const char *data, size_t length) {
    if (buffer->used + length > buffer->room) {
        buffer->room = 2 * (buffer->used + length);
        buffer->data = realloc(buffer->data, buffer->room);
        if (!buffer->data)
            die("out of memory");
    }
    memcpy(buffer->data + buffer->used, data, length);
    buffer->used += length;
}

static void watch(struct conn *c, int operation) {
    struct epoll_event event = {.events = EPOLLIN | (c->stuck ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

static void set_stuck(struct conn *c, bool stuck) {
    if (c->stuck == stuck)
        return;
    c->stuck = stuck;
    watch(c, EPOLL_CTL_MOD);
}

/* While the connections are being made nothing may go wrong; later it is counted. */
static void lost(struct conn *c) {
    if (c->state == CLOSING)
        world.closing--;
    else if (c->state != READY)
        die("connection %u was closed before its login", c->index);
    else
        world.ready--, world.faults.closed++;
    close(c->fd);
    c->state = CLOSED;
}

static void put(struct conn *c, const char *data, size_t length) {
    ssize_t taken = c->stuck ? 0 : send(c->fd, data, length, MSG_NOSIGNAL);
    if (taken < 0) {
        if (errno != EAGAIN)
            return lost(c);
        taken = 0;
    }
    if ((size_t)taken == length)
        return;
    keep(&c->out, data + taken, length - (size_t)taken);
    set_stuck(c, true);
}

static void flush(struct conn *c) {
    ssize_t taken = send(c->fd, c->out.data, c->out.used, MSG_NOSIGNAL);
    if (taken < 0) {
        if (errno != EAGAIN)
            lost(c);
        return;
    }
    c->out.used -= (size_t)taken;
    memmove(c->out.data, c->out.data + taken, c->out.used);
    if (!c->out.used)
        set_stuck(c, false);
}

static void send_frame(struct conn *c, uint8_t opcode, const char *data, size_t length) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    char frame[LONGEST + 8];
    size_t head = 2;
    if (c->state == CLOSED)
        return;
    if (length > LONGEST)
        die("a frame of %zu bytes is too long to send", length);
    frame[0] = (char)(0x80 | opcode);
    if (length < 126) {
        frame[1] = (char)(0x80 | length);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(length >> 8);
        frame[3] = (char)length;
        head = 4;
    }
    memcpy(frame + head, mask, sizeof mask);
    head += sizeof mask;
    for (size_t i = 0; i < length; i++)
        frame[head + i] = (char)(data[i] ^ mask[i % 4]);
    put(c, frame, head + length);
}

void send_text(struct conn *c, const char *text, size_t length) {
    send_frame(c, 1, text, length);
}

void say_goodbye(struct conn *c) {
    if (c->state != READY)
        return;
    c->state = CLOSING;
    world.ready--;
    world.closing++;
    send_frame(c, 8, "\x03\xe8", 2);
}

/* A port pair can be used once a minute (TIME_WAIT), so the connections come from many loopback addresses. */
void dial(struct conn *c) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + c->index % SOURCES)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(world.options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[LONGEST], target[LONGEST / 2];
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from))
        die("bind: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    c->state = UPGRADING;
    c->in.used = c->out.used = 0;
    c->stuck = true;
    watch(c, EPOLL_CTL_ADD);
    world.options.protocol->target(target, c);
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          target, world.options.port);
    put(c, request, (size_t)length);
}

/* Returns the bytes of the answer's head, 0 while it is not complete. */
static size_t take_upgrade(struct conn *c, const char *data, size_t length) {
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - data) + 4;
    if (length < 12 || memcmp(data + 9, "101", 3) || !memmem(data, head, ACCEPT, strlen(ACCEPT)))
        die("connection %u was refused: %.*s", c->index, (int)(length < 300 ? length : 300), data);
    c->state = OPENING;
    world.options.protocol->opened(c);
    return head;
}

static void take_frame(struct conn *c, uint8_t first, const char *data, size_t length) {
    const char *mark;
    switch (first) {
    case 0x81:
        mark = find_mark(data, length);
        if (!mark) {
            world.options.protocol->other(c, data, length);
        } else {
            on_message(c, mark, length);
            if (world.options.protocol->delivered)
                world.options.protocol->delivered(c, data, length);
        }
        return;
    case 0x88:
        return lost(c);
    case 0x89:
        return send_frame(c, 10, data, length);
    case 0x8a:
        return;
    default:
        die("unexpected frame, first byte %02x", first);
    }
}

/* Takes every whole frame; returns the bytes taken. */
static size_t take_frames(struct conn *c, const char *data, size_t length) {
    const uint8_t *at = (const uint8_t *)data, *end = at + length;
    while (c->state != CLOSED && end - at >= 2) {
        size_t size = at[1], head = 2;
        if (size == 126) {
            if (end - at < 4)
                break;
            size = (size_t)at[2] << 8 | at[3];
            head = 4;
        } else if (size > 126) {
            die("a frame of more than 64 KiB");
        }
        if ((size_t)(end - at) < head + size)
            break;
        take_frame(c, at[0], (const char *)at + head, size);
        at += head + size;
    }
    return (size_t)((const char *)at - data);
}

static void take(struct conn *c) {
    size_t length = c->in.used, used = 0;
    memcpy(chunk, c->in.data ? c->in.data : "", length);
    ssize_t got = recv(c->fd, chunk + length, CHUNK - length, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        return lost(c);
    world.read_at = now();
    length += (size_t)got;
    if (c->state == UPGRADING)
        used = take_upgrade(c, chunk, length);
    if (c->state != UPGRADING)
        used += take_frames(c, chunk + used, length - used);
    if (used == 0 && length == CHUNK)
        die("a frame of more than %d bytes", CHUNK);
    c->in.used = 0;
    keep(&c->in, chunk + used, length - used);
}

void turn(uint64_t until) {
    struct epoll_event events[EVENTS];
    uint64_t time = now(), wait = until > time ? until - time : 0;
    struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
    int count = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        die("epoll: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct conn *c = events[i].data.ptr;
        if (c->state != CLOSED && events[i].events & EPOLLOUT)
            flush(c);
        if (c->state != CLOSED && events[i].events & ~(uint32_t)EPOLLOUT)
            take(c);
    }
}
