#include "core/images/image_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::images {
namespace {

namespace fs = std::filesystem;

class Kept {
 public:
  Kept() {
    fs::create_directory(images.path());
    chmod(images.path().c_str(), 0700);
    source = folder.write("db", "a zone");
    image.assign(100'000, 7);
    REQUIRE(write());
  }
  Result<> write() { return images.write("zone", {{source, FileStamp::of(source)}}, image); }
  // "good", "none" or an Error, without the folder's path.
  std::string read(const std::string& name = "zone") {
    const auto found = images.read(name);
    if (!found) {
      std::string text = found.error().text();
      for (std::size_t at; (at = text.find(images.path())) != std::string::npos;) text.erase(at, images.path().size());
      return text;
    }
    if (!*found) return "none";
    return std::ranges::equal((*found)->bytes(), image) ? "good" : "other bytes";
  }
  std::string file() const { return images.path() + "/" + ImageFolder::file_name("zone"); }
  // Changes one byte.
  void damage(long at) {
    std::FILE* const handle = std::fopen(file().c_str(), "r+");
    REQUIRE(handle != nullptr);
    std::fseek(handle, at, at < 0 ? SEEK_END : SEEK_SET);
    const int byte = std::fgetc(handle);
    std::fseek(handle, at, at < 0 ? SEEK_END : SEEK_SET);
    std::fputc(byte ^ 1, handle);
    std::fclose(handle);
  }

  tests::Folder folder;
  ImageFolder images{folder.file("images")};
  std::string source;
  std::vector<std::uint8_t> image;
};

TEST_CASE("images: what was kept is there as long as nothing has changed") {
  Kept kept;
  CHECK(kept.read() == "good");
  CHECK(kept.read("zone of another kind") == "none");
  CHECK(ImageFolder(kept.folder.path()).read("zone").value() == std::nullopt);
  static_cast<void>(kept.folder.write("db", "b zone"));  // of the same size
  CHECK(kept.read() == "none");
  REQUIRE(kept.write());
  CHECK(kept.read() == "good");
  fs::remove(kept.source);
  CHECK(kept.read() == "none");
  CHECK(fs::directory_iterator(kept.images.path())->path().string() == kept.file());  // and no other one
}

TEST_CASE("images: what is damaged is not used") {
  for (const long at : {0L, 8L, 12L, 16L, 24L, 60L, 4000L, -1L}) {
    CAPTURE(at);
    Kept kept;
    kept.damage(at);
    const std::string said = kept.read();
    CHECK(said != "good");
    CHECK(said != "other bytes");
  }
  Kept kept;
  for (const std::size_t size : {0, 10, 56, 100, 99'999}) {
    fs::resize_file(kept.file(), size);
    CHECK(kept.read().find(": ") != std::string::npos);
  }
}

TEST_CASE("images: what others may have written is not used") {
  Kept kept;
  const std::string name = "/" + ImageFolder::file_name("zone");
  chmod(kept.file().c_str(), 0620);
  CHECK(kept.read() == name + ": others may write it");
  chmod(kept.file().c_str(), 0600);
  chmod(kept.images.path().c_str(), 0777);
  CHECK(kept.read() == ": others may write it");
  CHECK_FALSE(kept.write());
  chmod(kept.images.path().c_str(), 0700);
  CHECK(kept.read() == "good");
  if (geteuid() == 0) {
    CHECK(chown(kept.file().c_str(), 12345, 0) == 0);
    CHECK(kept.read() == name + ": belongs to user 12345; expected 0 or root");
  }
  fs::rename(kept.file(), kept.folder.file("moved"));
  fs::create_symlink(kept.folder.file("moved"), kept.file());
  CHECK(kept.read() == name + ": Too many levels of symbolic links");
  fs::remove(kept.file());
  REQUIRE(mkfifo(kept.file().c_str(), 0600) == 0);
  CHECK(kept.read() == name + ": is not a regular file");
}

}  // namespace
}  // namespace swage::images
