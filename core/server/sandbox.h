// What a process of the server may still ask of the kernel once it is set up, whoever has taken it over: which system
// calls (seccomp(2)), and which files and ports (landlock(7)). What each may be told is in docs/decisions/sandbox.md.
//
//     dns        reads and writes the sockets and the memory that it has. It opens, connects and starts nothing
//     fetch      that, sockets of its own, threads, and files to read
//     service    all but what no part of the server ever does; and of files the system's to read, and its own
//
// A call that is not among them fails with EPERM; one that only an attacker has a use for ends the process (SIGSYS).
#pragma once

#include <set>
#include <string>

#include "core/result.h"
#include "core/server/role.h"

namespace swage::server {

// Files, and folders with all below them, of the service process. What is not there is passed over.
struct OwnFiles {
  std::set<std::string> written{}, read{};
};

// From here on, for good, in this process, in all of its threads and whatever it starts. Where the kernel cannot do it
// (no seccomp, no Landlock, an older one), less is in force, which is told: "no Landlock: …"; empty: all of it is. An
// Error where the kernel refuses. `own` is of the service process. REQUIRES: no_new_privs (become_child()); no threads
// yet.
[[nodiscard]] Result<std::string> confine(Role::Kind kind, const OwnFiles& own = {});

}  // namespace swage::server
