// Fetcher: a Service that asks other people's servers for answers that are not in memory. Part of the contract
// (core/plugin/plugin.h).
//
// Fetchers run in a process of their own, `swage @fetch`, which there is where the Corefile has one: what a stranger
// answers is read there, by a process that can write nothing but the memory of its answers, and that can be killed at
// any time. What has secrets, or is asked of the operator's own stores, is fetched by a Service (core/plugin/fetch.h).
#pragma once

#include "core/plugin/fetch.h"
#include "core/plugin/service.h"
#include "core/shm/shared.h"

namespace swage {

class Fetcher : public Service {
 public:
  // `fetch` and `memory` are this Fetcher's alone, and outlive it: the keys come to its process, and only that provides
  // the memory, in prepare().
  Fetcher(Fetch& fetch, shm::Shared& memory) : fetch_(fetch), memory_(memory) {}

  // Reads the files that the Corefile names, in the service process: so an Error of theirs is told together with all
  // others. It asks nobody. prepare() and run() are called in the fetch process: prepare() with the right to read any
  // file where the server was started by root, run() as a user that nothing belongs to, as soon as dns processes have
  // its memory. Its Host hears of no reload, has no sockets and exposes no metrics; measure() and ready() are never
  // called.
  [[nodiscard]] virtual Result<> check() { return {}; }
  // Asks others for what must be known before run(), names of hosts say: after prepare(), in the fetch process, which
  // has no rights any more; after check() where a Corefile is only checked. May block; an Error is as one of prepare().
  [[nodiscard]] virtual Result<> look_up() { return {}; }

  [[nodiscard]] Fetch& fetch() const { return fetch_; }
  [[nodiscard]] shm::Shared& memory() const { return memory_; }

 private:
  Fetch& fetch_;
  shm::Shared& memory_;
};

}  // namespace swage
