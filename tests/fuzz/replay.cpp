// Runs a fuzz target over the files of its corpus: what every test run does, with any compiler. All targets are in this
// program, LLVMFuzzerTestOneInput() of each under the name of its file. Arguments: a target, then folders.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#define TARGET(name) extern "C" int name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.def"
#undef TARGET

namespace {

struct Target {
  std::string_view name;
  int (*run)(const std::uint8_t*, std::size_t);
};

constexpr auto kTargets = std::to_array<Target>({
#define TARGET(name) {#name, &name},
#include "fuzz_targets.def"
#undef TARGET
});

}  // namespace

int main(int count, char** arguments) {
  const auto* const target = std::ranges::find(kTargets, count > 1 ? arguments[1] : "", &Target::name);
  if (target == kTargets.end()) {
    std::fprintf(stderr, "expected a target and folders\n");
    return 1;
  }
  std::size_t files = 0;
  for (int i = 2; i < count; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
      std::fprintf(stderr, "%s\n", entry.path().c_str());  // the last one, if it crashes
      target->run(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
      ++files;
    }
  }
  std::printf("%zu inputs\n", files);
  return files == 0 ? 1 : 0;
}
