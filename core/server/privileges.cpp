#include "core/server/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace swage::server {
namespace {

constexpr std::size_t kSets = _LINUX_CAPABILITY_U32S_3;  // of 32 bits each
using Sets = std::array<__user_cap_data_struct, kSets>;

// glibc has no function for capget(2) and capset(2).
Sets capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Sets sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return {};
  return sets;
}

constexpr std::uint32_t bit(int capability) { return std::uint32_t{1} << (capability % 32); }

bool has(const Sets& sets, int capability) {
  return (sets[static_cast<std::size_t>(capability) / 32].effective & bit(capability)) != 0;
}

void keep_only(const Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  static_cast<void>(syscall(SYS_capset, &header, sets.data()));
}

Result<> change_user(uid_t uid, gid_t gid) {
  if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) return fail("{}", std::strerror(errno));
  // The kernel forgets both where the user changes.
  become_undumpable();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return {};
}

}  // namespace

Result<Account> find_account(const std::string& name) {
  if (const passwd* const found = getpwnam(name.c_str())) return Account{found->pw_name, found->pw_uid, found->pw_gid};
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  if (error != std::errc() || end != name.data() + name.size() || uid == static_cast<uid_t>(-1)) {
    return fail("there is no user '{}' on this machine", name);
  }
  if (const passwd* const found = getpwuid(uid)) return Account{found->pw_name, uid, found->pw_gid};
  return Account{name, uid, uid};
}

void become_undumpable() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void gain_nothing() {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

bool may_change_user() {
  if (geteuid() != 0) return false;
  const Sets sets = capabilities();
  return has(sets, CAP_SETUID) && has(sets, CAP_SETGID) && has(sets, CAP_KILL);
}

Result<> become(const Account& account) {
  if (initgroups(account.name.c_str(), account.gid) != 0) {
    return fail("cannot become the user '{}': {}", account.name, std::strerror(errno));
  }
  const Result<> changed = change_user(account.uid, account.gid);
  if (!changed) return fail("cannot become the user '{}': {}", account.name, changed.error().text());
  return {};
}

bool become_dns_user(std::size_t worker) {
  if (!may_change_user()) return false;
  const uid_t user = kFirstDnsUser + static_cast<uid_t>(worker % kDnsUsers);
  // A namespace of users may know fewer of them than there are.
  return setgroups(0, nullptr) == 0 && change_user(user, user).has_value();
}

bool become_fetch_user() {
  if (!may_change_user()) return false;
  prctl(PR_SET_KEEPCAPS, 1);
  const bool changed = setgroups(0, nullptr) == 0 && change_user(kFetchUser, kFetchUser).has_value();
  prctl(PR_SET_KEEPCAPS, 0);
  return changed;
}

void drop_capabilities(Keep keep) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  Sets kept{};
  if (keep != Keep::nothing) {
    const Sets sets = capabilities();
    for (const int capability : {CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE}) {
      if (keep == Keep::reading && capability == CAP_DAC_OVERRIDE) continue;
      const std::uint32_t permitted = sets[static_cast<std::size_t>(capability) / 32].permitted & bit(capability);
      kept[static_cast<std::size_t>(capability) / 32].permitted |= permitted;
      kept[static_cast<std::size_t>(capability) / 32].effective |= permitted;
    }
  }
  keep_only(kept);
}

}  // namespace swage::server
