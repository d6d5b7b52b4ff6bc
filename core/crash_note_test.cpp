#include "core/crash_note.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage {
namespace {

struct Ended {
  std::string said;  // to standard output
  int signal;        // that ended it; 0: none
};

// Runs `body` in a process of its own.
Ended ended(void (*body)()) {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(STDERR_FILENO);
    for (const int crash : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) signal(crash, SIG_DFL);  // not the sanitizer's
    body();
    _exit(0);
  }
  close(pipe_ends[1]);
  std::string said(4096, '\0');
  ssize_t got = 0;
  std::size_t size = 0;
  while ((got = read(pipe_ends[0], said.data() + size, said.size() - size)) > 0) size += static_cast<std::size_t>(got);
  close(pipe_ends[0]);
  said.resize(size);
  int status = 0;
  waitpid(child, &status, 0);
  return {said, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

TEST_CASE("crash note: a crash within its life is said, and the process ends as it would have") {
  const Ended aborted = ended([] {
    const CrashNote note("Corefile:3: wrong: crashed in setup()");
    std::abort();
  });
  CHECK(aborted.said == "[ERROR] Corefile:3: wrong: crashed in setup()\n");
  CHECK(aborted.signal == SIGABRT);
  const Ended wild = ended([] {
    const CrashNote note("a\nb");
    int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  CHECK(wild.said == "[ERROR] a\\x0ab\n");
  CHECK(wild.signal == SIGSEGV);
}

TEST_CASE("crash note: the innermost one speaks, and each only while it lives") {
  CHECK(ended([] {
          const CrashNote outer("outer");
          {
            const CrashNote inner("inner");
          }
          std::abort();
        }).said == "[ERROR] outer\n");
  CHECK(ended([] {
          const CrashNote outer("outer");
          const CrashNote inner("inner");
          std::abort();
        }).said == "[ERROR] inner\n");
  const Ended after = ended([] {
    {
      const CrashNote note("over");
    }
    std::abort();
  });
  CHECK(after.said.empty());
  CHECK(after.signal == SIGABRT);
}

}  // namespace
}  // namespace swage
