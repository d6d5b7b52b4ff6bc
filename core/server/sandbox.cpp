#include "core/server/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "core/descriptor.h"

namespace swage::server {
namespace {

// AddressSanitizer reports through files and programs of its own, which it must be able to reach.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// What every process needs: its descriptors, its memory, its clock, its end.
constexpr int kEverywhere[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(accept), SCMP_SYS(accept4),
    SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(ioctl), SCMP_SYS(fcntl),
    // waiting
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    // memory; mmap() and mprotect() are below
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(membarrier),
    // itself
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrusage),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack), SCMP_SYS(tgkill)};

// Sockets and threads, and files that are read.
constexpr int kFetch[] = {SCMP_SYS(socketpair),
                          SCMP_SYS(connect),
                          SCMP_SYS(bind),
                          SCMP_SYS(epoll_create1),
                          SCMP_SYS(eventfd2),
                          SCMP_SYS(pipe2),
                          SCMP_SYS(dup3),
                          SCMP_SYS(select),
                          SCMP_SYS(pselect6),
                          SCMP_SYS(timerfd_create),
                          SCMP_SYS(timerfd_settime),
                          SCMP_SYS(set_robust_list),
                          SCMP_SYS(rseq),
                          SCMP_SYS(stat),
                          SCMP_SYS(lstat),
                          SCMP_SYS(statx),
                          SCMP_SYS(newfstatat),
                          SCMP_SYS(access),
                          SCMP_SYS(faccessat),
                          SCMP_SYS(faccessat2),
                          SCMP_SYS(readlink),
                          SCMP_SYS(readlinkat),
                          SCMP_SYS(getdents64),
                          SCMP_SYS(pread64),
                          SCMP_SYS(getcwd),
                          SCMP_SYS(fadvise64),
                          SCMP_SYS(prlimit64)};

// What no process of the server does once it is set up, and whoever has taken one over would.
constexpr int kNever[] = {SCMP_SYS(execve),
                          SCMP_SYS(execveat),
                          SCMP_SYS(fork),
                          SCMP_SYS(vfork),
                          SCMP_SYS(ptrace),
                          SCMP_SYS(process_vm_readv),
                          SCMP_SYS(process_vm_writev),
                          SCMP_SYS(process_madvise),
                          SCMP_SYS(pidfd_getfd),
                          SCMP_SYS(kcmp),
                          SCMP_SYS(mount),
                          SCMP_SYS(umount2),
                          SCMP_SYS(pivot_root),
                          SCMP_SYS(chroot),
                          SCMP_SYS(unshare),
                          SCMP_SYS(setns),
                          SCMP_SYS(open_tree),
                          SCMP_SYS(move_mount),
                          SCMP_SYS(fsopen),
                          SCMP_SYS(fsmount),
                          SCMP_SYS(init_module),
                          SCMP_SYS(finit_module),
                          SCMP_SYS(delete_module),
                          SCMP_SYS(kexec_load),
                          SCMP_SYS(kexec_file_load),
                          SCMP_SYS(reboot),
                          SCMP_SYS(swapon),
                          SCMP_SYS(swapoff),
                          SCMP_SYS(bpf),
                          SCMP_SYS(perf_event_open),
                          SCMP_SYS(userfaultfd),
                          SCMP_SYS(add_key),
                          SCMP_SYS(request_key),
                          SCMP_SYS(keyctl),
                          SCMP_SYS(acct),
                          SCMP_SYS(quotactl),
                          SCMP_SYS(syslog),
                          SCMP_SYS(open_by_handle_at),
                          SCMP_SYS(name_to_handle_at),
                          SCMP_SYS(lookup_dcookie),
                          SCMP_SYS(personality),
                          SCMP_SYS(iopl),
                          SCMP_SYS(ioperm),
                          SCMP_SYS(modify_ldt),
                          SCMP_SYS(settimeofday),
                          SCMP_SYS(clock_settime),
                          SCMP_SYS(sethostname),
                          SCMP_SYS(setdomainname),
                          SCMP_SYS(io_uring_setup),
                          SCMP_SYS(mknod),
                          SCMP_SYS(mknodat)};

Result<> call(int status, const char* what) {
  if (status == 0) return {};
  return fail("seccomp: {}: {}", what, std::strerror(-status));
}

Result<> rule(const Filter& filter, std::uint32_t action, int number, std::span<const scmp_arg_cmp> where = {}) {
  const int status = seccomp_rule_add_array(filter.get(), action, number, static_cast<unsigned>(where.size()),
                                            where.empty() ? nullptr : where.data());
  return call(status == -EDOM ? 0 : status, "a rule");  // of another architecture
}

Result<> rules(const Filter& filter, std::uint32_t action, std::span<const int> numbers) {
  for (const int number : numbers) TRY(rule(filter, action, number));
  return {};
}

// The argument `index` has none of these bits.
constexpr scmp_arg_cmp without(unsigned index, std::uint64_t bits) { return {index, SCMP_CMP_MASKED_EQ, bits, 0}; }
constexpr scmp_arg_cmp with(unsigned index, std::uint64_t bits) { return {index, SCMP_CMP_MASKED_EQ, bits, bits}; }
constexpr scmp_arg_cmp equal(unsigned index, std::uint64_t value) { return {index, SCMP_CMP_EQ, value, 0}; }

// Memory, but none that is code.
Result<> allow_memory(const Filter& filter) {
  for (const int number : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    const scmp_arg_cmp no_code = without(2, kSanitized ? 0 : PROT_EXEC);
    TRY(rule(filter, SCMP_ACT_ALLOW, number, {&no_code, 1}));
  }
  const scmp_arg_cmp own = with(3, AT_EMPTY_PATH);  // what glibc 2.36 makes of fstat(): of a descriptor, not of a path
  TRY(rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), {&own, 1}));
  const scmp_arg_cmp name = equal(0, PR_SET_VMA);  // glibc names its memory
  TRY(rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), {&name, 1}));
  return {};
}

// Threads, but no processes. clone3() hides its flags from a filter: glibc takes clone() where the kernel has no other.
Result<> allow_threads(const Filter& filter) {
  const scmp_arg_cmp thread = with(0, CLONE_THREAD);
  TRY(rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), {&thread, 1}));
  TRY(rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3)));
  const scmp_arg_cmp name = equal(0, PR_SET_NAME);
  return rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), {&name, 1});
}

Result<> allow_fetching(const Filter& filter) {
  TRY(rules(filter, SCMP_ACT_ALLOW, kFetch));
  TRY(allow_threads(filter));
  for (const std::uint64_t family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {  // the last two: of libc's look-ups
    const scmp_arg_cmp of_family = equal(0, family);
    TRY(rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), {&of_family, 1}));
  }
  constexpr std::uint64_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  const scmp_arg_cmp reads = without(1, kWriting), reads_at = without(2, kWriting);
  TRY(rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), {&reads, 1}));
  return rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), {&reads_at, 1});
}

// What AddressSanitizer's reports and its look at what was not freed need.
Result<> allow_reports(const Filter& filter) {
  constexpr int kReports[] = {SCMP_SYS(open),     SCMP_SYS(openat),     SCMP_SYS(stat),      SCMP_SYS(newfstatat),
                              SCMP_SYS(readlink), SCMP_SYS(clone),      SCMP_SYS(execve),    SCMP_SYS(wait4),
                              SCMP_SYS(pipe),     SCMP_SYS(pipe2),      SCMP_SYS(dup2),      SCMP_SYS(ptrace),
                              SCMP_SYS(prctl),    SCMP_SYS(getppid),    SCMP_SYS(fork),      SCMP_SYS(kill),
                              SCMP_SYS(access),   SCMP_SYS(getdents64), SCMP_SYS(prlimit64), SCMP_SYS(pread64)};
  return rules(filter, SCMP_ACT_ALLOW, kReports);
}

Result<Filter> make_filter(Role::Kind kind) {
  const bool is_service = kind == Role::Kind::service;
  Filter filter(seccomp_init(is_service ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return fail("seccomp: no memory");
  TRY(call(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimisation"));  // a tree of the numbers
  if (kSanitized && !is_service) TRY(allow_reports(filter));
  if (!kSanitized) TRY(rules(filter, SCMP_ACT_KILL_PROCESS, kNever));
  if (is_service) {
    if (kSanitized) return filter;
    // No other process, and no program.
    const scmp_arg_cmp process = without(0, CLONE_THREAD);
    TRY(rule(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), {&process, 1}));
    TRY(rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3)));
    return filter;
  }
  TRY(rules(filter, SCMP_ACT_ALLOW, kEverywhere));
  TRY(allow_memory(filter));
  if (kind == Role::Kind::fetch) TRY(allow_fetching(filter));
  return filter;
}

// What Debian 12's header does not have yet.
struct Ruleset {
  std::uint64_t files = 0, ports = 0, scopes = 0;
};
constexpr std::uint64_t kTruncate = 1 << 14, kIoctl = 1 << 15;               // from version 3 and 5 on
constexpr std::uint64_t kBind = 1, kConnect = 2;                             // 4
constexpr std::uint64_t kAbstractSockets = 1, kSignals = 2;                  // 6
constexpr std::uint64_t kAllFiles = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // version 1

std::uint64_t known_files(long version) {
  std::uint64_t known = kAllFiles;
  if (version >= 2) known |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) known |= kTruncate;
  if (version >= 5) known |= kIoctl;
  return known;
}

constexpr std::uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kForNobody = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO;
constexpr std::uint64_t kOfFiles =  // the rights that a file can have, which is no folder
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctl;

// What libraries read: of the names of hosts, authorities, the time; what is told of processes.
constexpr const char* kSystem[] = {"/etc",         "/usr",           "/lib",      "/lib64",       "/proc",
                                   "/sys/devices", "/sys/fs/cgroup", "/dev/null", "/dev/urandom", "/dev/random"};
constexpr const char* kResolvers = "/etc/resolv.conf";  // often a link to a file that is replaced

class Rules {
 public:
  Rules(int rules, std::uint64_t known) : rules_(rules), known_(known) {}

  // Of what is there.
  [[nodiscard]] Result<> allow(const std::string& path, std::uint64_t rights) const {
    const Descriptor at(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!at.exists() || fstat(at.get(), &status) != 0) return {};
    const landlock_path_beneath_attr below{rights & known_ & (S_ISDIR(status.st_mode) ? ~std::uint64_t{0} : kOfFiles),
                                           at.get()};
    if (syscall(SYS_landlock_add_rule, rules_, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0) return {};
    return fail("Landlock: {}: {}", path, std::strerror(errno));
  }

 private:
  int rules_;
  std::uint64_t known_;
};

Result<> allow_service(const Rules& rules, const OwnFiles& own) {
  for (const char* const path : kSystem) TRY(rules.allow(path, kReading));
  TRY(rules.allow("/dev/null", kReading | LANDLOCK_ACCESS_FS_WRITE_FILE));
  if (char* const real = realpath(kResolvers, nullptr); real != nullptr) {
    const std::string folder = std::string(real).substr(0, std::string_view(real).rfind('/'));
    std::free(real);
    if (!folder.empty()) TRY(rules.allow(folder, kReading));
  }
  for (const std::string& path : own.read) TRY(rules.allow(path, kReading));
  for (const std::string& path : own.written) TRY(rules.allow(path, ~kForNobody));
  return {};
}

Result<std::string> restrict_files(Role::Kind kind, const OwnFiles& own) {
  if (kSanitized) return std::string();
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return fmt::format("no Landlock: {}", std::strerror(errno));
  Ruleset handled;
  handled.files = known_files(version);
  if (version >= 4) handled.ports = kind == Role::Kind::dns ? kBind | kConnect : 0;
  if (version >= 6) handled.scopes = kAbstractSockets | kSignals;
  const std::size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const Descriptor rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
  if (!rules.exists()) return fail("Landlock: {}", std::strerror(errno));
  const Rules allowed(rules.get(), handled.files);
  if (kind == Role::Kind::fetch) TRY(allowed.allow("/", kReading));
  if (kind == Role::Kind::service) TRY(allow_service(allowed, own));
  if (syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return fail("Landlock: {}", std::strerror(errno));
  return std::string();
}

// What libraries read when they are first needed: the zone of local time, OpenSSL's configuration.
void warm_up() {
  tzset();
  static_cast<void>(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr));
}

}  // namespace

Result<std::string> confine(Role::Kind kind, const OwnFiles& own) {
  warm_up();
  TRY(std::string less, restrict_files(kind, own));
  TRY(const Filter filter, make_filter(kind));
  const int loaded = seccomp_load(filter.get());
  if (loaded == -EINVAL || loaded == -ENOSYS) {
    less += less.empty() ? "no seccomp" : "; no seccomp";
  } else {
    TRY(call(loaded, "the list of system calls"));
  }
  return less;
}

}  // namespace swage::server
