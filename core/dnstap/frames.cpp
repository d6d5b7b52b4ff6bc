#include "core/dnstap/frames.h"

#include <array>

namespace swage::dnstap {
namespace {

constexpr std::uint32_t kContentTypeField = 1;
constexpr std::size_t kMostControl = 512;  // bytes of a control frame, as fstrm has it

void append_u32(std::uint32_t value, std::string& to) {
  std::array<std::uint8_t, 4> bytes;
  store_u32(bytes.data(), value);
  to += as_text(bytes);
}

// Whether the fields of ACCEPT name our content, or none, which takes any.
Result<bool> takes_ours(Bytes fields) {
  bool any = true;
  while (!fields.empty()) {
    if (fields.size() < 8) return fail("a field of its control frame is cut short");
    const std::uint32_t type = load_u32(fields.data()), size = load_u32(fields.data() + 4);
    fields = fields.subspan(8);
    if (size > fields.size()) return fail("a field of its control frame is cut short");
    if (type != kContentTypeField) return fail("its control frame has a field of the unknown type {}", type);
    if (as_text(fields.first(size)) == kContentType) return true;
    any = false;
    fields = fields.subspan(size);
  }
  return any;
}

}  // namespace

void append_frame(std::string_view payload, std::string& frames) {
  append_u32(static_cast<std::uint32_t>(payload.size()), frames);
  frames += payload;
}

std::string control_frame(Control type) {
  std::string body;
  append_u32(static_cast<std::uint32_t>(type), body);
  if (type == Control::ready || type == Control::start) {
    append_u32(kContentTypeField, body);
    append_frame(kContentType, body);
  }
  std::string frame(4, '\0');
  append_frame(body, frame);
  return frame;
}

Result<std::optional<Control>> ControlReader::next() {
  if (bytes_.size() >= 4 && load_u32(bytes_.data()) != 0) return fail("it does not speak Frame Streams");
  if (bytes_.size() < 8) return std::nullopt;
  const std::size_t size = load_u32(bytes_.data() + 4);
  if (size < 4 || size > kMostControl) return fail("its control frame has {} bytes", size);
  if (bytes_.size() < 8 + size) return std::nullopt;
  const std::uint32_t type = load_u32(bytes_.data() + 8);
  if (type < static_cast<std::uint32_t>(Control::accept) || type > static_cast<std::uint32_t>(Control::finish)) {
    return fail("its control frame is of the unknown type {}", type);
  }
  if (type == static_cast<std::uint32_t>(Control::accept)) {
    TRY(const bool ours, takes_ours(Bytes(bytes_).subspan(12, size - 4)));
    if (!ours) return fail("it does not take {}", kContentType);
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(8 + size));
  return static_cast<Control>(type);
}

}  // namespace swage::dnstap
