// What a process of the server gives up before strangers can talk to it: dumps, its user, capabilities. No Corefile
// here.
//
// The supervisor stays what it was started as: it opens sockets and starts processes again. Where that is root:
//
//     dns N      user and group kFirstDnsUser + N, which no account has: it needs no file. Nothing that another process
//                of this machine owns, another dns process among them, can it signal, trace or open.
//     fetch      user and group kFetchUser, which no account has either
//     service    the account that the Corefile's `user` says, or `swage` where there is such an account
//
// Where it is not root, no process can change users, and all share one: what keeps them apart then is that they
// cannot be traced, and the seals of the memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace swage::server {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// By name, or by number where there is no such name. An Error where there is neither.
[[nodiscard]] Result<Account> find_account(const std::string& name);

// No core dump is written, and no process of the same user can read its memory, its environment and its descriptors in
// /proc, or trace it (prctl(2), PR_SET_DUMPABLE). To be called again after the user has changed.
void become_undumpable();

// No program that is executed from now on has capabilities that this process has not (no_new_privs, and an empty
// bounding set). To be called while it still has those to do so.
void gain_nothing();

// True where this process is root, and has the capabilities to become another user. A process that starts others must
// also be allowed to signal them afterwards.
[[nodiscard]] bool may_change_user();

// Becomes that account for good, with its supplementary groups. REQUIRES: there are no other threads.
[[nodiscard]] Result<> become(const Account& account);
// Becomes the user that only the dns process `worker` has; false where this is not possible.
[[nodiscard]] bool become_dns_user(std::size_t worker);

// Becomes the user that only fetch processes have, with the capabilities that there were: drop_capabilities() is to
// follow. False where this is not possible.
[[nodiscard]] bool become_fetch_user();

// Gives up all capabilities, for good, but those to read files whoever owns them, or to read and write them.
enum class Keep : std::uint8_t { nothing, reading, files };
void drop_capabilities(Keep keep);

// Users between the ranges that are given to people and services (systemd's UIDS-GIDS, "unused").
inline constexpr uid_t kFirstDnsUser = 60600;
inline constexpr uid_t kDnsUsers = 580;
inline constexpr uid_t kFetchUser = kFirstDnsUser + kDnsUsers;
// One of these.
[[nodiscard]] constexpr bool is_own_user(uid_t uid) { return uid >= kFirstDnsUser && uid <= kFetchUser; }

}  // namespace swage::server
