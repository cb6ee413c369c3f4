// SPDX-License-Identifier: Apache-2.0

/* Makes glibc use the calls that it prefers and the profile refuses, and prints
 * what came of it. Built statically and run in a container by TestLiveLibc. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, int err) { printf("%s %d\n", what, err); }

static int raw(long nr, long a, long b, long c, long d)
{
	return syscall(nr, a, b, c, d, 0L, 0L) < 0 ? errno : 0;
}

static void *thread(void *arg) { *(int *)arg = 7; return NULL; }

int main(void)
{
	/* What is refused, to show that the rest is a fallback. */
	say("raw-clone3", raw(SYS_clone3, 0, 0, 0, 0));
	say("raw-openat2", raw(SYS_openat2, AT_FDCWD, (long)"/", 0, 0));
	say("raw-io_uring_setup", raw(425, 1, 0, 0, 0));
	say("raw-io_setup", raw(SYS_io_setup, 1, 0, 0, 0));
	say("raw-execveat", raw(SYS_execveat, -1, 0, 0, 0));

	/* pthread_create(3) and posix_spawn(3): clone3, then clone. */
	int seen = 0;
	pthread_t t;
	int err = pthread_create(&t, NULL, thread, &seen);
	if (err == 0)
		err = pthread_join(t, NULL);
	say("pthread", err ? err : seen != 7);
	pid_t pid;
	char *argv[] = {"true", NULL}, *envp[] = {NULL};
	int status = -1;
	err = posix_spawn(&pid, "/bin/busybox", NULL, NULL, argv, envp);
	if (err == 0)
		waitpid(pid, &status, 0);
	say("posix_spawn", err ? err : status);
	pid = fork();
	if (pid == 0)
		_exit(0);
	say("fork", waitpid(pid, &status, 0) == pid ? status : errno);
	status = system("exit 3");
	say("system", WEXITSTATUS(status));

	/* faccessat(2) with AT_EACCESS is faccessat2; stat(2) may be statx. */
	say("faccessat", faccessat(AT_FDCWD, "/bin/busybox", X_OK, AT_EACCESS) ? errno : 0);
	struct statx stx;
	say("statx", statx(AT_FDCWD, "/bin/busybox", 0, STATX_BASIC_STATS, &stx) ? errno : stx.stx_size == 0);
	struct stat st;
	say("stat", stat("/bin/busybox", &st) ? errno : 0);
	int fd = openat(AT_FDCWD, "/tmp/file", O_CREAT | O_RDWR, 0644);
	say("openat", fd < 0 ? errno : 0);
	/* fchmodat(3) with AT_SYMLINK_NOFOLLOW: fchmodat2, or by way of /proc. */
	say("fchmodat", fchmodat(AT_FDCWD, "/tmp/file", 0600, AT_SYMLINK_NOFOLLOW) ? errno : 0);

	/* fexecve(3): execveat, then /proc/self/fd. */
	int exe = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		fexecve(exe, argv, envp);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	say("fexecve", WEXITSTATUS(status));

	/* Mutexes and condition variables without requeue-PI. */
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	err = pthread_mutex_init(&m, &attr);
	say("pi-mutex", err ? err : pthread_mutex_lock(&m) | pthread_mutex_unlock(&m));
	pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	struct timespec soon;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec = (soon.tv_nsec + 1000000) % 1000000000;
	pthread_mutex_lock(&m);
	say("cond-timedwait", pthread_cond_timedwait(&c, &m, &soon) != ETIMEDOUT);
	pthread_mutex_unlock(&m);
	say("memfd", memfd_create("m", MFD_CLOEXEC) < 0 ? errno : 0);
	int pair[2];
	say("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ? errno : 0);
	return 0;
}
