/* The clock, the marks, latencies, and what the server used: read from /proc, where the kernel counts all of
 * a process's threads. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t now(void) {
    static uint64_t start;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    if (!start)
        start = ns - 1;
    return ns - start;
}

/* @@ssssssssnnnnnnnntttttttt: sender, number and time, the time in µs and modulo 100 s. */
enum { TIME_WRAP = 100000000 };

void write_mark(char *out, uint32_t sender, uint32_t number, uint64_t due) {
    char text[64];
    snprintf(text, sizeof text, "@@%08u%08u%08u", sender, number % TIME_WRAP, (uint32_t)(due / 1000 % TIME_WRAP));
    memcpy(out, text, MARK);
}

/* The mark stands nearly always where it stood in the frame before. */
const char *find_mark(const char *text, size_t length) {
    static size_t before;
    if (before + MARK <= length && text[before] == '@' && text[before + 1] == '@')
        return text + before;
    const char *mark = memmem(text, length, "@@", 2);
    if (!mark || mark + MARK > text + length)
        return NULL;
    before = (size_t)(mark - text);
    return mark;
}

/* Eight digits in three multiplications: neighbours are joined to pairs, fours and eights. */
static uint32_t eight_digits(const char *text) {
    uint64_t v;
    memcpy(&v, text, 8);
    v = ((v & 0x0f0f0f0f0f0f0f0f) * (10 * 256 + 1)) >> 8;
    v = ((v & 0x00ff00ff00ff00ff) * (100 * 65536 + 1)) >> 16;
    return (uint32_t)(((v & 0x0000ffff0000ffff) * (10000 * 4294967296 + 1)) >> 32);
}

struct mark read_mark(const char *mark, uint64_t at) {
    uint32_t due = eight_digits(mark + 18);
    uint32_t age = ((uint32_t)(at / 1000 % TIME_WRAP) + TIME_WRAP - due) % TIME_WRAP;
    return (struct mark){eight_digits(mark + 2), eight_digits(mark + 10), (uint64_t)age * 1000};
}

/* 32 buckets for each power of two: good to 3 %, and no memory per message. */
static unsigned bucket_of(uint64_t ns) {
    if (ns < 32)
        return (unsigned)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    return (power - 4) * 32 + (unsigned)((ns >> (power - 5)) & 31);
}

static double middle_of(unsigned bucket) {
    if (bucket < 32)
        return bucket;
    uint64_t width = 1ull << (bucket / 32 - 1);
    return (double)((32 + bucket % 32) * width) + (double)width / 2;
}

void record(struct histogram *h, uint64_t ns) {
    h->total++;
    h->counts[bucket_of(ns)]++;
}

double quantile_ms(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)((double)h->total * share), seen = 0;
    for (unsigned i = 0; i < sizeof h->counts / sizeof *h->counts; i++)
        if ((seen += h->counts[i]) > wanted)
            return middle_of(i) / 1e6;
    return 0;
}

static double process_cpu(int pid) {
    char path[64], line[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        die("the server (process %d) is gone", pid);
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = 0;
    /* The process name may hold spaces and brackets: count the fields from the last bracket. */
    const char *fields = strrchr(line, ')');
    if (!fields || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("cannot read %s", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double time_waited(void) {
    unsigned long long waited = 0;
    FILE *file = fopen("/proc/self/schedstat", "r");
    if (!file || fscanf(file, "%*u %llu", &waited) != 1)
        die("cannot read /proc/self/schedstat");
    fclose(file);
    return (double)waited / 1e9;
}

struct usage cpu_used(void) {
    struct usage used = {.waited = time_waited()};
    struct rusage self;
    for (int i = 0; i < world.options.pid_count; i++)
        used.server += process_cpu(world.options.pids[i]);
    getrusage(RUSAGE_SELF, &self);
    used.load = (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) +
                (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    return used;
}

double server_memory(void) {
    double total = 0;
    for (int i = 0; i < world.options.pid_count; i++) {
        char path[64];
        unsigned long pages = 0;
        snprintf(path, sizeof path, "/proc/%d/statm", world.options.pids[i]);
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*u %lu", &pages) != 1)
            die("cannot read %s", path);
        fclose(file);
        total += (double)pages * (double)sysconf(_SC_PAGESIZE);
    }
    return total;
}
