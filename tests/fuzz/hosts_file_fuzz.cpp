// Hosts files of any bytes: what is read becomes an image, in which every entry is found again.
#include <algorithm>
#include <vector>

#include "plugins/hosts/hosts_builder.h"
#include "plugins/hosts/hosts_file.h"

using namespace swage;
using namespace swage::plugins::hosts;

namespace {

// The entries once more, in the plainest way.
void check_lines(std::string_view text, const HostsImage& image) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r\v\f", at)) != std::string_view::npos;) {
      const std::size_t stop = std::min(line.find_first_of(" \t\r\v\f", at), line.size());
      words.push_back(line.substr(at, stop - at));
      at = stop;
    }
    const auto address = words.empty() ? std::nullopt : parse_host_address(words[0]);
    for (std::size_t i = 1; address && i < words.size(); ++i) {
      const auto name = dns::Name::parse(words[i]);
      if (!name) continue;
      const std::size_t size = address->bytes().size();
      const Bytes found = image.addresses(name->lowercased(), address->is_v6());
      CHECK(!found.empty() && found.size() % size == 0);
      bool is_there = found.size() == size * kMaxRecords;
      for (std::size_t at = 0; at < found.size(); at += size) {
        is_there = is_there || std::ranges::equal(found.subspan(at, size), address->bytes());
      }
      CHECK(is_there);
      if (name->view().is_wildcard()) continue;
      std::size_t names = 0;
      bool is_named = false;
      image.names(*address, [&](dns::NameView each) {
        ++names;
        is_named = is_named || each == name->view();
      });
      CHECK(is_named || names == kMaxRecords);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  HostsBuilder builder;
  CHECK(read_hosts(text, builder));
  builder.finish();
  std::vector<std::uint64_t> words((builder.image_size() + 7) / 8);
  const MutableBytes image(reinterpret_cast<std::uint8_t*>(words.data()), builder.image_size());
  builder.write(image);
  check_lines(text, HostsImage(image));
  return 0;
}
