#include "core/plugin/tls_memory.h"

#include <unistd.h>

#include <algorithm>

namespace swage::tls_memory {
namespace {

using Sizes = std::array<std::uint32_t, 3>;
constexpr std::size_t kHead = kVersion + sizeof(Sizes);

}  // namespace

Identity read_identity(Bytes memory) {
  if (memory.size() < kHead) return {};
  Sizes sizes;
  std::memcpy(sizes.data(), &memory[kVersion], sizeof sizes);
  const std::string_view texts = as_text(memory.subspan(kHead));
  if (std::size_t{sizes[0]} + sizes[1] + sizes[2] != texts.size()) return {};
  return {memory.first(kVersion), texts.substr(0, sizes[0]), texts.substr(sizes[0], sizes[1]),
          texts.substr(std::size_t{sizes[0]} + sizes[1])};
}

Result<shm::Segment> write_identity(std::string_view chain, std::string_view key, std::string_view authorities) {
  const std::array texts = {chain, key, authorities};
  std::size_t size = kHead;
  for (const std::string_view text : texts) size += text.size();
  TRY(shm::Segment memory, shm::Segment::create("swage tls", size));
  std::uint8_t* const at = memory.writable_bytes().data();
  if (getentropy(at, kVersion) != 0) return fail("no random bytes");
  Sizes sizes;
  std::ranges::transform(texts, sizes.begin(), [](auto text) { return static_cast<std::uint32_t>(text.size()); });
  std::memcpy(at + kVersion, sizes.data(), sizeof sizes);
  std::uint8_t* to = at + kHead;
  for (const std::string_view text : texts) to = std::ranges::copy(text, to).out;
  return memory;
}

}  // namespace swage::tls_memory
