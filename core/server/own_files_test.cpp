// Which files the service process keeps, of Corefiles and folders with links in them.
#include "core/server/own_files.h"

#include <filesystem>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::server {
namespace {

namespace fs = std::filesystem;

Result<> assign_path(Controller& controller) {
  TRY(controller.expect_path("a path"));
  return {};
}

const std::vector<PluginType> kPlugins = {
    {"root",
     [](Controller& controller) -> Result<> {
       controller.next();
       TRY(const std::string_view folder, controller.expect_arg("a folder"));
       controller.block().root = folder;
       return {};
     },
     true},
    {"reads",
     [](Controller& controller) -> Result<> {
       while (controller.next()) {
         static_cast<void>(controller.remaining_args());
         TRY(controller.read_block({{"state", [&] { return assign_path(controller); }}}));
       }
       return {};
     }},
};

OwnFiles own_of(const std::string& corefile) {
  config::Sources sources;
  sources.add("/nowhere/etc/Corefile", corefile);
  const auto configuration = configure(sources, "/nowhere/etc/Corefile", kPlugins, 53);
  if (!configuration) FAIL(configuration.error().text());
  return own_files(*configuration, sources, "/nowhere/etc/Corefile", {});
}

}  // namespace

TEST_CASE("own files: what the Corefile names, where links lead, and what is beside them") {
  const tests::Folder folder;
  for (const char* const each : {"zones", "certs", "keys", "archive", "list", "other"}) {
    fs::create_directory(folder.file(each));
  }
  static_cast<void>(folder.write("zones/a", ""));
  static_cast<void>(folder.write("archive/key1.pem", ""));
  fs::create_symlink("../archive/key1.pem", folder.file("keys/key.pem"));
  const std::string& at = folder.path();
  const OwnFiles own = own_of("a.example {\n reads " + at + "/zones/a " + at + "/keys/key.pem list=" + at +
                              "/list/new.txt {\n  state " + at + "/certs/made/later\n }\n}\n");
  const fs::path here = fs::canonical(at);
  for (const char* const each : {"zones", "keys", "archive", "list", "certs"}) {
    INFO(each);
    CHECK(own.written.contains((here / each).string()));
  }
  CHECK_FALSE(own.written.contains((here / "other").string()));
  CHECK_FALSE(own.written.contains(here.string()));
  CHECK(own.written.contains(fs::current_path().string()));
}

TEST_CASE("own files: a folder, with the links in it; and root, for paths that are relative") {
  const tests::Folder folder;
  for (const char* const each : {"auto", "elsewhere", "root"}) fs::create_directory(folder.file(each));
  static_cast<void>(folder.write("elsewhere/zone", ""));
  fs::create_symlink(folder.file("elsewhere/zone"), folder.file("auto/zone"));
  const OwnFiles own =
      own_of("a.example {\n root " + folder.file("root") + "\n reads " + folder.file("auto") + " not/there\n}\n");
  const fs::path here = fs::canonical(folder.path());
  for (const char* const each : {"auto", "elsewhere", "root"}) {
    INFO(each);
    CHECK(own.written.contains((here / each).string()));
  }
}

TEST_CASE("own files: words that only look like paths, and what is everybody's") {
  const OwnFiles own = own_of(
      "a.example {\n reads /healthz https://ca.example/etc 10.0.0.0/8 / /etc/hostname /tmp /nowhere/at/all\n}\n");
  for (const char* const each : {"/", "/etc", "/tmp", "/nowhere", ""}) {
    INFO(each);
    CHECK_FALSE(own.written.contains(each));
  }
  CHECK(own_of("a.example {\n reads /tmp/swage-is-not-there\n}\n").written.contains("/tmp"));
  CHECK(own.read.contains("/etc"));
  CHECK(own.written.contains("/etc/hostname"));
}

}  // namespace swage::server
