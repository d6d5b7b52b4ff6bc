// What a confined process can still do: each case is a process of its own, which confines itself and tries one thing.
// It is built without sanitizers, whose reports need more than a process of the server has.
#include "core/server/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::server {
namespace {

using Kind = Role::Kind;

const int memory = memfd_create("zone", MFD_CLOEXEC | MFD_ALLOW_SEALING);

using Attempt = bool (*)();  // true: it worked; false: errno says why not

constexpr const char* kOwn = "/tmp/swage-sandbox-own";

// "works", "refused", or the signal that ended the process.
std::string outcome(Kind kind, Attempt attempt) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!confine(kind, {.written = {kOwn}, .read = {"/var/lib/dpkg"}})) _exit(2);
    errno = 0;
    if (attempt()) _exit(0);
    _exit(errno == EPERM || errno == EACCES || errno == ENOSYS ? 1 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGSYS ? "killed" : "another signal";
  constexpr const char* kNames[] = {"works", "refused", "not confined", "another error"};
  return kNames[WEXITSTATUS(status) & 3];
}

bool opens_file() { return open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0; }
bool writes_file() { return open("/tmp/swage-sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0; }
int open_own(const char* name, int flags) {
  return open((std::string(kOwn) + "/" + name).c_str(), flags | O_CLOEXEC, 0600);
}
// As a journal or a certificate is written: beside its place, and then there.
bool replaces_own_file() {
  const std::string next = std::string(kOwn) + "/next", file = std::string(kOwn) + "/file";
  return open_own("next", O_WRONLY | O_CREAT) >= 0 && rename(next.c_str(), file.c_str()) == 0 &&
         open_own("file", O_RDWR | O_TRUNC) >= 0;
}
bool reads_other_file() { return open("/var/lib/dpkg/status", O_RDONLY | O_CLOEXEC) >= 0; }
bool writes_other_file() { return open("/var/lib/dpkg/swage-sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0; }
bool writes_system_file() { return open("/etc/swage-sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0; }
bool lists_strange_folder() { return open("/var/log", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0; }
bool removes_strange_file() { return unlink("/tmp/swage-sandbox-strange") == 0; }
bool makes_link_out() {
  const std::string link = std::string(kOwn) + "/link";
  return (symlink("/var/log", link.c_str()) == 0 || errno == EEXIST) &&
         open(link.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}
// As a new version of a zone that arrives: its size and seals are looked at, and it is mapped.
bool maps_memory() {
  struct stat status{};
  return fstat(memory, &status) == 0 && fcntl(memory, F_GET_SEALS) >= 0 &&
         mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memory, 0) != MAP_FAILED;
}
bool makes_socket() { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0; }
bool makes_raw_socket() { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }
bool executes() {
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  return execve(program, arguments, nullptr) == 0;
}
bool traces() { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }
bool forks() { return syscall(SYS_fork) >= 0; }
bool unshares() { return unshare(CLONE_NEWUSER) == 0; }
bool makes_code() {
  return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
bool makes_memory() {
  return mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
bool signals_another() { return kill(getppid(), 0) == 0; }
bool starts_thread() {
  bool ran = false;
  std::thread([&ran] { ran = true; }).join();
  return ran;
}
bool tells_time() {
  const time_t now = time(nullptr);
  tm local{};
  return localtime_r(&now, &local) != nullptr;
}
bool loads_module() { return syscall(SYS_init_module, nullptr, 0, "") == 0; }
bool uses_io_uring() { return syscall(SYS_io_uring_setup, 1, nullptr) >= 0; }
bool looks_into_parent() {
  char byte = 0;
  iovec own{&byte, 1}, other{reinterpret_cast<void*>(0x1000), 1};
  return process_vm_readv(getppid(), &own, 1, &other, 1, 0) >= 0;
}

struct Case {
  const char* what;
  Attempt attempt;
  std::string dns, fetch, service;
};

}  // namespace

TEST_CASE("sandbox: what each kind of process can still do") {
  const std::vector<Case> cases = {
      {"memory", makes_memory, "works", "works", "works"},
      {"memory of another process", maps_memory, "works", "works", "works"},
      {"local time", tells_time, "works", "works", "works"},
      {"a socket", makes_socket, "refused", "works", "works"},
      {"a packet socket", makes_raw_socket, "refused", "refused", ""},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(outcome(Kind::dns, each.attempt) == each.dns);
    CHECK(outcome(Kind::fetch, each.attempt) == each.fetch);
    if (!each.service.empty()) CHECK(outcome(Kind::service, each.attempt) == each.service);
  }
}

TEST_CASE("sandbox: what none does ends it") {
  for (const Kind kind : {Kind::dns, Kind::fetch, Kind::service}) {
    CHECK(outcome(kind, executes) == "killed");
    CHECK(outcome(kind, traces) == "killed");
    CHECK(outcome(kind, forks) == "killed");
    CHECK(outcome(kind, unshares) == "killed");
    CHECK(outcome(kind, loads_module) == "killed");
    CHECK(outcome(kind, uses_io_uring) == "killed");
    CHECK(outcome(kind, looks_into_parent) == "killed");
  }
}

TEST_CASE("sandbox: files, code, threads and signals") {
  CHECK(outcome(Kind::dns, opens_file) == "refused");
  CHECK(outcome(Kind::fetch, opens_file) == "works");
  CHECK(outcome(Kind::service, opens_file) == "works");
  CHECK(outcome(Kind::dns, writes_file) == "refused");
  CHECK(outcome(Kind::fetch, writes_file) == "refused");
  CHECK(outcome(Kind::service, writes_file) == "refused");
  CHECK(outcome(Kind::dns, makes_code) == "refused");
  CHECK(outcome(Kind::fetch, makes_code) == "refused");
  CHECK(outcome(Kind::dns, signals_another) == "refused");
  CHECK(outcome(Kind::fetch, signals_another) == "refused");
  CHECK(outcome(Kind::fetch, starts_thread) == "works");
  CHECK(outcome(Kind::service, starts_thread) == "works");
}

TEST_CASE("sandbox: the service process has its own files, and the system's to read") {
  if (syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 0) {
    WARN("SKIPPED: this kernel has no Landlock");
    return;
  }
  std::filesystem::remove_all(kOwn);
  std::filesystem::create_directory(kOwn);
  static_cast<void>(std::ofstream("/tmp/swage-sandbox-strange") << "strange");
  CHECK(outcome(Kind::service, replaces_own_file) == "works");
  CHECK(outcome(Kind::service, opens_file) == "works");
  CHECK(outcome(Kind::service, reads_other_file) == "works");
  CHECK(outcome(Kind::service, writes_other_file) == "refused");
  CHECK(outcome(Kind::service, writes_system_file) == "refused");
  CHECK(outcome(Kind::service, lists_strange_folder) == "refused");
  CHECK(outcome(Kind::service, removes_strange_file) == "refused");
  CHECK(outcome(Kind::service, makes_link_out) == "refused");
  std::filesystem::remove_all(kOwn);
  std::filesystem::remove("/tmp/swage-sandbox-strange");
}

}  // namespace swage::server
