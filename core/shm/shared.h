// Memory that lasts: the same in every process of the server, kept by the supervisor while children are replaced and
// the configuration is reloaded. What is in it changes in place, unlike a Snapshot, and under the eyes of its readers:
// see core/shm/table.h for a content that stands this.
//
// The service process decides what the memory is, in a Service's prepare(): it finds what the configuration before (or
// the service process before) left under this name, or nothing, and keeps it or provides another. With the dns
// processes, which only read, it arrives before they serve.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "core/shm/segment.h"

namespace swage::shm {

class Shared {
 public:
  explicit Shared(std::string name) : name_(std::move(name)) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
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
  Segment segment_;
  bool provided_ = false;
  std::function<Result<>(const Shared&)> on_provide_;
};

}  // namespace swage::shm
