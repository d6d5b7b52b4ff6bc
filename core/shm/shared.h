// Memory that lasts: the same in every process of the server, kept by the supervisor while children are replaced and
// the configuration is reloaded. What is in it changes in place, unlike a Snapshot, and under the eyes of its readers:
// see core/shm/table.h for a content that stands this.
//
// The service process decides what the memory is, in a Service's prepare() or run(): it finds what the configuration
// before (or the service process before) left under this name, or nothing, and keeps it or provides another. What is
// provided in prepare() has arrived in the dns processes before they serve.
//
// Memory for everyone is writable in the process that provided it and nowhere else, for as long as that lives: so says
// its seal. Each service process that is to write provides memory of its own, with a copy of what it found. Memory for
// service processes is writable in all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/shm/segment.h"

namespace swage::shm {

class Shared {
 public:
  enum class Audience : std::uint8_t { everyone, service };

  explicit Shared(std::string name, Audience audience = Audience::everyone)
      : name_(std::move(name)), audience_(audience) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Which processes ever have the memory.
  [[nodiscard]] Audience audience() const { return audience_; }
  // The file that keeps a copy of the memory; empty: it ends with the server. Set in setup().
  [[nodiscard]] const std::string& place() const { return place_; }
  void set_place(std::string path) {
    place_ = std::move(path);
    kept_ = true;
  }
  // True where a plugin, in whose setup() the place was said, sees to it that there is such memory.
  [[nodiscard]] bool kept() const { return kept_; }
  [[nodiscard]] bool exists() const { return segment_.exists(); }
  // Empty where there is none. Valid until control goes back to the event loop.
  [[nodiscard]] Bytes bytes() const { return segment_.bytes(); }
  // Empty where there is none, or only others may write it.
  [[nodiscard]] MutableBytes writable_bytes() {
    return segment_.writable() ? segment_.writable_bytes() : MutableBytes();
  }
  [[nodiscard]] const Segment& segment() const { return segment_; }

  // Makes `memory` what all processes of this configuration, and those after it, have under this name; seals it, where
  // that is everyone. In the service process, on its loop's thread.
  [[nodiscard]] Result<> provide(Segment memory) {
    if (audience_ == Audience::everyone) TRY(memory.seal_elsewhere());
    segment_ = std::move(memory);
    provided_ = true;
    if (on_provide_) return on_provide_(*this);
    return {};
  }
  // True where this process provided the memory.
  [[nodiscard]] bool provided() const { return provided_; }

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
  // False where there is no server around that could keep the memory: `swage -check`. Then leave files alone.
  [[nodiscard]] bool lasts() const { return static_cast<bool>(on_provide_); }

  // For core/server alone: the memory that arrived, and what carries provided memory to the other processes.
  void replace(Segment memory) {
    companion_.reset();
    segment_ = std::move(memory);
  }
  // The same where the process before this one was replaced since: what this process knows of its own memory stays.
  void update(Segment memory) { segment_ = std::move(memory); }
  void on_provide(std::function<Result<>(const Shared&)> hook) { on_provide_ = std::move(hook); }

 private:
  std::string name_;
  Audience audience_;
  std::string place_;
  bool kept_ = false;
  Segment segment_;
  std::unique_ptr<Companion> companion_;
  bool provided_ = false;
  std::function<Result<>(const Shared&)> on_provide_;
};

}  // namespace swage::shm
