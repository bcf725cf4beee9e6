/* What is asked of a server, and how it is judged. */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 32, WARM = 200, IN_FLIGHT = 10, FAN_SENDERS = 20 };

static const uint64_t SECOND = 1000000000, QUIET = 300000000;
static const double LOW_RATE = 20, GROWTH = 1.4, CLOSE = 1.1, WORST_P99_MS = 1000;

static struct histogram delays, acks;
static bool looping; /* closed loop: a message that everybody has is followed by the next */

struct phase {
    double seconds, messages, deliveries, p50, p99, ack_p50;
    struct usage used;
};

/* Setting the scene. */

static void lay_out(uint32_t count, uint32_t group_size, uint32_t senders) {
    world.count = count;
    world.group_size = group_size;
    world.senders = senders;
    world.conns = calloc(count, sizeof *world.conns);
    world.expected = calloc((size_t)count * senders, sizeof *world.expected);
    if (!world.conns || !world.expected)
        die("out of memory");
    for (uint32_t i = 0; i < count; i++) {
        world.conns[i].index = i;
        world.conns[i].first = i - i % group_size;
    }
}

void on_ready(struct conn *c) {
    if (c->state == READY)
        return;
    c->state = READY;
    world.ready++;
}

/* Opens the connections from `first` up to `last`, some at once; returns how many a second came up. */
static double open_range(uint32_t first, uint32_t last) {
    uint64_t start = now(), limit = start + 180 * SECOND;
    uint32_t before = world.ready, wanted = before + last - first, dialled = before;
    while (world.ready < wanted) {
        for (; dialled < wanted && dialled - world.ready < AT_ONCE; dialled++)
            dial(&world.conns[first + dialled - before]);
        turn(limit);
        if (now() >= limit)
            die("only %u of %u connections came up", world.ready, wanted);
    }
    return (last - first) / ((double)(now() - start) / 1e9);
}

static void close_range(uint32_t first, uint32_t last) {
    uint64_t limit = now() + 20 * SECOND;
    for (uint32_t i = first; i < last; i++)
        say_goodbye(&world.conns[i]);
    while (world.closing && now() < limit)
        turn(limit);
    if (world.closing)
        die("%u connections were not closed", world.closing);
}

/* Joins and presence go to everybody: wait until that is over. */
static void settle(void) {
    uint64_t limit = now() + 30 * SECOND;
    do
        turn(now() + QUIET);
    while (now() < world.read_at + QUIET && now() < limit);
}

static void rest(double seconds) {
    uint64_t end = now() + (uint64_t)(seconds * 1e9);
    while (now() < end)
        turn(end);
}

/* Saying and hearing. */

static uint32_t receipts(void) {
    return world.in_private ? 2 : world.group_size; /* the other one's delivery and the ack; or one for each member */
}

static void say(struct conn *c, uint64_t due) {
    const struct protocol *protocol = world.options.protocol;
    char content[FRAME_BYTES + MARK + 1], frame[LONGEST];
    size_t length = FRAME_BYTES > protocol->envelope + MARK ? FRAME_BYTES - protocol->envelope : MARK;

    memset(content, 'x', length);
    content[length] = 0;
    write_mark(content, c->index, c->sent, due);
    int size = world.in_private ? protocol->tell(frame, c, &world.conns[c->index ^ 1], content)
                                : protocol->say(frame, c, content);
    c->sent++;
    c->said_at = due;
    c->lacking = receipts();
    world.pending += c->lacking;
    send_text(c, frame, (size_t)size);
}

static void received(struct conn *sender) {
    world.pending--;
    if (--sender->lacking == 0 && looping)
        say(sender, now());
}

/* Whether the message is new to this receiver. Out of order shows as one lost and one doubled. */
static bool in_order(uint32_t *expected, uint32_t number) {
    if (number < *expected) {
        world.faults.repeats++;
        return false;
    }
    world.faults.gaps += number - *expected;
    world.pending -= number - *expected; /* counted here, not again as missing */
    *expected = number + 1;
    return true;
}

void on_message(struct conn *c, const char *text, size_t frame_length) {
    struct mark mark = read_mark(text, world.read_at);
    uint32_t place = mark.sender - c->first;
    if (place >= world.senders) {
        world.faults.strays++;
        return;
    }
    if (!in_order(&world.expected[(size_t)c->index * world.senders + place], mark.number))
        return;
    world.deliveries++;
    world.delivered_bytes += frame_length;
    record(&delays, mark.age);
    received(&world.conns[mark.sender]);
}

void on_ack(struct conn *c) {
    record(&acks, world.read_at - c->said_at);
    received(c);
}

/* Measuring. */

static struct usage used_before;
static uint64_t began;

static void begin(void) {
    memset(&delays, 0, sizeof delays);
    memset(&acks, 0, sizeof acks);
    world.deliveries = 0;
    world.delivered_bytes = 0;
    used_before = cpu_used();
    began = now();
}

static struct phase end(void) {
    struct usage used = cpu_used();
    struct phase phase = {.seconds = (double)(now() - began) / 1e9, .deliveries = (double)world.deliveries};
    phase.messages = phase.deliveries / (world.in_private ? 1 : world.group_size);
    phase.p50 = quantile_ms(&delays, 0.50);
    phase.p99 = quantile_ms(&delays, 0.99);
    phase.ack_p50 = quantile_ms(&acks, 0.50);
    phase.used.server = used.server - used_before.server;
    phase.used.load = used.load - used_before.load;
    phase.used.waited = used.waited - used_before.waited;
    return phase;
}

static void print_phase(const char *name, struct phase p) {
    printf("\"%s\": {\"messages_per_s\": %.1f, \"deliveries_per_s\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"ack_p50_ms\": %.3f, \"server_us\": %.3f, \"server_busy\": %.3f, \"load_busy\": %.3f, "
           "\"load_waited\": %.3f, \"frame_bytes\": %.0f}, ",
           name, p.messages / p.seconds, p.deliveries / p.seconds, p.p50, p.p99, p.ack_p50,
           p.deliveries ? p.used.server / p.deliveries * 1e6 : 0, p.used.server / p.seconds, p.used.load / p.seconds,
           p.used.waited / p.seconds,
           world.deliveries ? (double)world.delivered_bytes / (double)world.deliveries : 0);
}

static bool drained(void) {
    uint64_t limit = now() + 20 * SECOND;
    while (world.pending && now() < limit)
        turn(limit);
    return !world.pending;
}

static void must_drain(void) {
    if (!drained())
        world.faults.missing += world.pending;
    world.pending = 0;
}

/* Whether the numbers that each connection saw are 1, 2, 3 … without a hole. */
static void count_holes(void) {
    for (uint32_t i = 0; i < world.count; i++)
        if (world.conns[i].top != world.conns[i].numbered)
            world.faults.numbering++;
}

static void print_faults(void) {
    const struct faults *f = &world.faults;
    printf("\"faults\": {\"lost\": %lu, \"doubled\": %lu, \"astray\": %lu, \"misnumbered\": %lu, "
           "\"closed\": %lu, \"refused\": %lu}",
           f->gaps + f->missing, f->repeats, f->strays, f->numbering, f->closed, f->refused);
}

/* The works. */

/* The first `count` connections keep one message each in flight; measured after a warm-up. */
static struct phase closed_loop(uint32_t count, double seconds) {
    looping = true;
    for (uint32_t i = 0; i < count; i++)
        say(&world.conns[i], now());
    rest(seconds / 4);
    begin();
    rest(seconds);
    struct phase phase = end();
    looping = false;
    must_drain();
    return phase;
}

/* Messages go out when they are due, whatever has come back; ages count from when they were due. */
static void open_loop(double rate, double seconds) {
    uint64_t start = now(), stop = start + (uint64_t)(seconds * 1e9), due = start;
    begin();
    for (uint64_t n = 0; due < stop; turn(due))
        while (due < stop && due <= now()) {
            say(&world.conns[n % world.senders], due);
            due = start + (uint64_t)((double)++n / rate * 1e9);
        }
}

static struct phase low_load(double seconds) {
    open_loop(LOW_RATE, seconds);
    must_drain();
    return end();
}

static bool unharmed(void) {
    return !world.faults.closed && !world.faults.refused;
}

/* Raises the rate until the p99 is too long, then halves the way between the best and the first bad rate until
 * they are close. A server that closes or refuses under overload, or cannot catch up, has reached its end: no fault. */
static struct phase ramp(double rate, double seconds) {
    struct phase best = {.seconds = 1};
    double good = 0, bad = 0;
    while (rate >= 1 && (!bad || bad > good * CLOSE)) {
        open_loop(rate, seconds);
        bool whole = drained() && unharmed();
        struct phase phase = end();
        if (whole && phase.p99 <= WORST_P99_MS) {
            if (phase.deliveries / phase.seconds > best.deliveries / best.seconds)
                best = phase;
            good = rate;
        } else {
            bad = rate;
        }
        if (!whole)
            break;
        rate = !bad ? rate * GROWTH : good ? sqrt(good * bad) : rate / 2;
    }
    world.pending = world.faults.closed = world.faults.refused = 0;
    return best;
}

void work_fan(void) {
    double seconds = world.options.seconds;
    world.in_rooms = true;
    lay_out(world.options.conns ? world.options.conns : 1000, world.options.conns ? world.options.conns : 1000, FAN_SENDERS);
    open_range(0, world.count);
    settle();
    struct phase closed = closed_loop(IN_FLIGHT, seconds); /* first: compilers in servers warm up */
    print_phase("closed", closed);
    print_phase("low", low_load(2 * seconds));
    count_holes();
    print_phase("best", ramp(closed.messages / closed.seconds / 2, seconds));
    print_faults();
}

void work_rooms(void) {
    world.in_rooms = true;
    lay_out(world.options.conns ? world.options.conns : 1000, 5, 5);
    open_range(0, world.count);
    settle();
    print_phase("closed", closed_loop(world.count, world.options.seconds));
    count_holes();
    print_faults();
}

void work_private(void) {
    world.in_private = true;
    lay_out(world.options.conns ? world.options.conns : 100, 2, 2);
    open_range(0, world.count);
    settle();
    print_phase("alone", closed_loop(1, world.options.seconds / 2));
    print_phase("closed", closed_loop(world.count, world.options.seconds));
    count_holes();
    print_faults();
}

/* The first connections warm the server up. The others are timed when each person comes for the first time,
 * weighed, closed, and timed again: a server may have more to do for a newcomer than for one it knows. */
void work_idle(void) {
    uint32_t count = world.options.conns ? world.options.conns : 5000;
    lay_out(count + WARM, 5, 5);
    open_range(0, WARM);
    settle();
    double memory = server_memory();
    double newcomers = open_range(WARM, world.count);
    settle();
    rest(2);
    memory = (server_memory() - memory) / count;
    close_range(WARM, world.count);
    settle();
    double known = open_range(WARM, world.count);
    printf("\"idle\": {\"newcomers_per_s\": %.1f, \"handshakes_per_s\": %.1f, \"bytes_per_connection\": %.0f}, ",
           newcomers, known, memory);
    print_faults();
}
