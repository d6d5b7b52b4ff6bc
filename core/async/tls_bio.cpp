#include "core/async/tls_bio.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/result.h"

namespace swage::async {

namespace {

MemoryBio& memory_of(BIO* bio) { return *static_cast<MemoryBio*>(BIO_get_data(bio)); }

int read(BIO* bio, char* into, int size) noexcept {
  Bytes& input = memory_of(bio).input;
  BIO_clear_retry_flags(bio);
  const std::size_t taken = std::min(input.size(), static_cast<std::size_t>(std::max(size, 0)));
  if (taken == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(into, input.data(), taken);
  input = input.subspan(taken);
  return static_cast<int>(taken);
}

int write(BIO* bio, const char* from, int size) noexcept {
  std::vector<std::uint8_t>& output = memory_of(bio).output;
  output.insert(output.end(), from, from + std::max(size, 0));
  return size;
}

long control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

struct FreeMethod {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

std::unique_ptr<BIO_METHOD, FreeMethod> new_method() {
  std::unique_ptr<BIO_METHOD, FreeMethod> method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory"));
  CHECK(method != nullptr);
  BIO_meth_set_read(method.get(), read);
  BIO_meth_set_write(method.get(), write);
  BIO_meth_set_ctrl(method.get(), control);
  return method;
}

}  // namespace

BIO* new_bio(MemoryBio& memory) {
  static const auto method = new_method();
  BIO* bio = BIO_new(method.get());
  CHECK(bio != nullptr);
  BIO_set_data(bio, &memory);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace swage::async
