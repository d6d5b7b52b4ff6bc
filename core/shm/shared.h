// Memory that lasts: the same in every process of the server, kept by the supervisor while children are replaced and
// the configuration is reloaded. What is in it changes in place, unlike a Snapshot, and under the eyes of its readers:
// see core/shm/table.h for a content that stands this. There are two kinds:
//
//                     who has it          who writes it
//     Shared          all processes       the process that provided it, for as long as that lives: so says its seal.
//     Each
//                                         service process that is to write provides memory of its own, with a copy of
//                                         what it found
//     ServiceMemory   service processes   all of them. It may be a file
//
// The service process decides what the memory is, in a Service's prepare() or run(): it finds what the configuration
// before (or the service process before) left under this name, or nothing, and keeps it or provides another. What is
// provided in prepare() has arrived in the dns processes before they serve.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/shm/segment.h"

namespace swage::shm {

// What both kinds have.
class LastingMemory {
 public:
  // Carries provided memory to the other processes.
  using OnProvide = std::function<Result<>(const Mapping&)>;

  LastingMemory(const LastingMemory&) = delete;
  LastingMemory& operator=(const LastingMemory&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool exists() const { return memory_.exists(); }
  // Empty where there is none. Valid until control goes back to the event loop.
  [[nodiscard]] Bytes bytes() const { return memory_.bytes(); }
  // Empty where there is none, or only another process may write it.
  [[nodiscard]] MutableBytes writable_bytes() { return writable_; }
  [[nodiscard]] bool writable() const { return !writable_.empty(); }
  [[nodiscard]] const Mapping& memory() const { return memory_; }
  // True where this process provided the memory.
  [[nodiscard]] bool provided() const { return provided_; }
  // False where there is no server around that could keep the memory: `swage -check`. Then leave files alone.
  [[nodiscard]] bool lasts() const { return static_cast<bool>(on_provide_); }

  // For core/server alone.
  void on_provide(OnProvide hook) { on_provide_ = std::move(hook); }

 protected:
  explicit LastingMemory(std::string name) : name_(std::move(name)) {}
  ~LastingMemory() = default;

  void set(Mapping memory) {
    writable_ = {};
    memory_ = std::move(memory);
  }
  void set(Segment memory) {
    writable_ = memory.writable_bytes();
    memory_ = std::move(memory);
  }
  [[nodiscard]] Result<> hand_on(Segment memory) {
    set(std::move(memory));
    provided_ = true;
    return on_provide_ ? on_provide_(memory_) : Result<>();
  }

 private:
  std::string name_;
  Mapping memory_;
  MutableBytes writable_;  // of memory_
  bool provided_ = false;
  OnProvide on_provide_;
};

class Shared : public LastingMemory {
 public:
  explicit Shared(std::string name) : LastingMemory(std::move(name)) {}

  // Makes `memory` what all processes of this configuration, and those after it, have under this name. In the service
  // process, on its loop's thread. REQUIRES: made by Segment::create().
  [[nodiscard]] Result<> provide(Segment memory) {
    TRY(memory.seal_elsewhere());
    return hand_on(std::move(memory));
  }

  // The file that keeps a copy of the memory; empty: it ends with the server. Set in setup().
  [[nodiscard]] std::string place() const { return place_.value_or(""); }
  void set_place(std::string path) { place_ = std::move(path); }
  // True where a plugin, in whose setup() the place was set, sees to it that there is such memory.
  [[nodiscard]] bool kept() const { return place_.has_value(); }

  // What a process that writes the memory knows of it, for all in it who have this Shared.
  class Companion {
   public:
    Companion() = default;
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;
    virtual ~Companion() = default;
  };
  [[nodiscard]] Companion* companion() const { return companion_.get(); }
  void set_companion(std::unique_ptr<Companion> companion) { companion_ = std::move(companion); }

  // The memory that arrived from another process. For core/server alone.
  void replace(Mapping memory) {
    companion_.reset();
    set(std::move(memory));
  }
  // The same where the process before this one was replaced since: what this process knows of its own memory stays.
  void update(Mapping memory) { set(std::move(memory)); }

 private:
  std::optional<std::string> place_;
  std::unique_ptr<Companion> companion_;
};

class ServiceMemory : public LastingMemory {
 public:
  explicit ServiceMemory(std::string name) : LastingMemory(std::move(name)) {}

  // As Shared::provide(), for service processes alone; a file may be provided, too.
  [[nodiscard]] Result<> provide(Segment memory) { return hand_on(std::move(memory)); }

  // The memory that arrived from another process. For core/server alone.
  void replace(Segment memory) { set(std::move(memory)); }
  void update(Segment memory) { set(std::move(memory)); }
};

}  // namespace swage::shm
