/* Options, and the choice of the work. */
#define _GNU_SOURCE
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct world world = {.options = {.seconds = 3}};

static const struct {
    const char *name;
    void (*run)(void);
} works[] = {{"a", work_fan}, {"b", work_rooms}, {"dm", work_private}, {"idle", work_idle}};

static const struct option names[] = {
    {"protocol", required_argument, NULL, 'p'}, {"port", required_argument, NULL, 'P'},
    {"work", required_argument, NULL, 'w'},     {"tokens", required_argument, NULL, 't'},
    {"pids", required_argument, NULL, 'i'},     {"seconds", required_argument, NULL, 's'},
    {"conns", required_argument, NULL, 'c'},    {NULL, 0, NULL, 0},
};

static const struct protocol *protocol_named(const char *name) {
    static const struct protocol *const all[] = {&plain, &socketio, &chat};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    die("unknown protocol %s", name);
}

static void (*work_named(const char *name))(void) {
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (!strcmp(works[i].name, name))
            return works[i].run;
    die("unknown work %s", name);
}

static void read_tokens(const char *path) {
    struct options *options = &world.options;
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        die("cannot read %s", path);
    for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\r\n")] = 0;
        options->tokens = realloc(options->tokens, (options->token_count + 1) * sizeof *options->tokens);
        options->tokens[options->token_count++] = strdup(line);
    }
    free(line);
    fclose(file);
}

static void read_pids(char *list) {
    struct options *options = &world.options;
    for (char *pid = strtok(list, ","); pid && options->pid_count < 16; pid = strtok(NULL, ","))
        options->pids[options->pid_count++] = atoi(pid);
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    struct options *options = &world.options;
    void (*work)(void) = NULL;
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (option) {
        case 'p': options->protocol = protocol_named(optarg); break;
        case 'P': options->port = (uint16_t)atoi(optarg); break;
        case 'w': work = work_named(optarg); break;
        case 't': read_tokens(optarg); break;
        case 'i': read_pids(optarg); break;
        case 's': options->seconds = atof(optarg); break;
        case 'c': options->conns = (uint32_t)atoi(optarg); break;
        default: return 2;
        }
    if (!options->protocol || !options->port || !work)
        die("--protocol, --port and --work are needed");
    raise_file_limit();
    wire_start();
    printf("{");
    work();
    printf("}\n");
}
