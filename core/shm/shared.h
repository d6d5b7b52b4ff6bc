// Memory that lasts: the same in every process of the server, kept by the supervisor while children are replaced and
// the configuration is reloaded. What is in it changes in place, unlike a Snapshot, and under the eyes of its readers:
// see core/shm/table.h for a content that stands this.
//
// The service process decides what the memory is, in a Service's prepare(): it finds what the configuration before (or
// the service process before) left under this name, or nothing, and keeps it or provides another. With the dns
// processes, which only read, it arrives before they serve.
#pragma once

#include <cstdint>
#include <functional>
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
  // The file that the memory is, for who keeps something beside it; empty: it ends with the server. Said in setup().
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
  // Service process only; empty where there is none.
  [[nodiscard]] MutableBytes writable_bytes() { return exists() ? segment_.writable_bytes() : MutableBytes(); }
  [[nodiscard]] const Segment& segment() const { return segment_; }

  // Makes `memory` what all processes of this configuration, and those after it, have under this name. In the service
  // process, on its loop's thread.
  [[nodiscard]] Result<> provide(Segment memory) {
    segment_ = std::move(memory);
    provided_ = true;
    if (on_provide_) return on_provide_(*this);
    return {};
  }
  // True where this process provided the memory.
  [[nodiscard]] bool provided() const { return provided_; }
  // False where there is no server around that could keep the memory: `swage -check`. Then leave files alone.
  [[nodiscard]] bool lasts() const { return static_cast<bool>(on_provide_); }

  // For core/server alone: the memory that arrived, and what carries provided memory to the other processes.
  void replace(Segment memory) { segment_ = std::move(memory); }
  void on_provide(std::function<Result<>(const Shared&)> hook) { on_provide_ = std::move(hook); }

 private:
  std::string name_;
  Audience audience_;
  std::string place_;
  bool kept_ = false;
  Segment segment_;
  bool provided_ = false;
  std::function<Result<>(const Shared&)> on_provide_;
};

}  // namespace swage::shm
