#include "compute/images_on_disk.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "compute/layers.h"
#include "compute/oci_layout.h"
#include "env/real.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

// Owners are kept, so root is needed to unpack what root owns; everything lies in a folder of the test's own.
struct ImagesOnDiskTest : ::testing::Test {
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/brume-images-XXXXXX";
    root = ::mkdtemp(name);
    images.emplace(real.env().files, real.env().processes, root + "/state");
    put("tree/bin/sh", "shell");
    put("tree/etc/os-release", "ID=test");
    fs::create_symlink("/etc/os-release", root + "/tree/etc/link");
  }
  void TearDown() override {
    if (!root.empty()) fs::remove_all(root);
  }
  void put(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(root + "/" + path).parent_path());
    std::ofstream(root + "/" + path) << content;
  }
  std::string run(std::vector<std::string> argv) {
    const auto finished = real.env().processes.run({.argv = std::move(argv), .folder = root});
    EXPECT_TRUE(finished && finished->status == 0) << (finished ? finished->errors : finished.error().message);
    return finished ? finished->output : "";
  }
  std::string code(const std::string& source) {
    const auto imported = images->import("ami-x", source);
    EXPECT_FALSE(images->exists("ami-x") && !imported);
    EXPECT_FALSE(fs::exists(root + "/state/images/.new-ami-x"));
    return imported ? "" : imported.error().code;
  }
  std::string content(const std::string& path) {
    std::ifstream in(root + "/state/images/ami-x/rootfs/" + path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  // Adds a file to the layout's blobs; gives its digest.
  std::string blob(const std::string& file) {
    const std::string digest = run({"sha256sum", file}).substr(0, 64);
    fs::create_directories(root + "/layout/blobs/sha256");
    fs::copy_file(root + "/" + file, root + "/layout/blobs/sha256/" + digest, fs::copy_options::overwrite_existing);
    return "sha256:" + digest;
  }
  void put_index(const std::string& manifest_digest) {
    put("layout/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    put("layout/index.json", R"({"schemaVersion":2,"manifests":[{"digest":")" + manifest_digest + R"("}]})");
  }
  void put_layout(const std::vector<std::string>& layers) {
    std::string manifest = R"({"schemaVersion":2,"layers":[)";
    for (std::size_t i = 0; i < layers.size(); ++i)
      manifest += (i ? "," : "") + (R"({"digest":")" + blob(layers[i])) + "\"}";
    put("manifest", manifest + "]}");
    put_index(blob("manifest"));
  }

  env::RealEnv real;
  std::string root;
  std::optional<ImagesOnDisk> images;
};

TEST_F(ImagesOnDiskTest, ImportsFoldersAndTarballs) {
  run({"tar", "-cf", "a.tar", "-C", "tree", "."});
  run({"tar", "-czf", "a.tar.gz", "-C", "tree", "."});
  run({"tar", "--zstd", "-cf", "a.tar.zst", "-C", "tree", "."});
  run({"tar", "-cJf", "a.tar.xz", "-C", "tree", "."});
  for (const char* source : {"/tree", "/a.tar", "/a.tar.gz", "/a.tar.zst", "/a.tar.xz"}) {
    const auto size = images->import("ami-x", root + source);
    ASSERT_TRUE(size) << source << ": " << size.error().message;
    EXPECT_EQ(*size, 12) << source;
    EXPECT_EQ(images->import("ami-x", "/nowhere").value_or(0), 12) << source;  // there already
    EXPECT_EQ(content("etc/os-release"), "ID=test");
    EXPECT_TRUE(fs::is_symlink(root + "/state/images/ami-x/rootfs/etc/link"));
    EXPECT_EQ(images->list().value(), std::vector<std::string>{"ami-x"});
    ASSERT_TRUE(images->remove("ami-x"));
    EXPECT_FALSE(images->exists("ami-x"));
    EXPECT_TRUE(fs::is_empty(root + "/state/images"));
  }
}

TEST_F(ImagesOnDiskTest, RefusesWhatIsNoRootFileSystem) {
  put("text", "not an archive");
  fs::create_directories(root + "/empty");
  fs::create_directories(root + "/linked");
  fs::create_symlink("/bin", root + "/linked/bin");  // must not count the machine's own shell
  EXPECT_EQ(code(root + "/nowhere"), "InvalidParameterValue");
  EXPECT_EQ(code(root + "/text"), "InvalidParameterValue");
  EXPECT_EQ(code(root + "/empty"), "InvalidParameterValue");
  EXPECT_EQ(code(root + "/linked"), "InvalidParameterValue");
  EXPECT_EQ(code("relative"), "InvalidParameterValue");
  EXPECT_EQ(images->import("../x", root + "/tree").error().code, "InvalidParameterValue");
}

TEST_F(ImagesOnDiskTest, NoEntryLeadsOutside) {
  put("victim/file", "untouched");
  put("evil/file", "evil");
  run({"tar", "-cf", "up.tar", "--absolute-names", "--transform", "s,^evil,../../../../victim,", "evil/file"});
  EXPECT_EQ(code(root + "/up.tar"), "InvalidParameterValue");
  // A link, then an entry through it.
  fs::create_symlink(root + "/victim", root + "/door");
  run({"tar", "-cf", "link.tar", "door", "-C", "tree", "."});
  run({"tar", "-rf", "link.tar", "--transform", "s,^evil,door,", "evil/file"});
  code(root + "/link.tar");
  std::ifstream in(root + "/victim/file");
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(in)), {}), "untouched");
}

TEST_F(ImagesOnDiskTest, ALayerDoesNotFollowTheLinkOfAnother) {
  put("victim/file", "untouched");
  fs::create_symlink(root + "/victim", root + "/tree/door");
  put("upper/door/file", "evil");
  run({"tar", "-cf", "lower.tar", "-C", "tree", "."});
  run({"tar", "-cf", "upper.tar", "-C", "upper", "door/file"});
  put_layout({"lower.tar", "upper.tar"});
  EXPECT_EQ(code(root + "/layout"), "");
  EXPECT_EQ(content("door/file"), "evil");
  std::ifstream in(root + "/victim/file");
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(in)), {}), "untouched");
}

TEST_F(ImagesOnDiskTest, AppliesLayersAndTheirWhiteouts) {
  put("tree/gone", "1");
  put("tree/folder/gone", "1");
  put("tree/folder/kept", "1");
  put("tree/opaque/old/deep", "1");
  put("tree/was-folder/x", "1");
  put("upper/.wh.gone", "");
  put("upper/folder/.wh.gone", "");
  put("upper/folder/added", "2");
  put("upper/opaque/.wh..wh..opq", "");
  put("upper/opaque/new", "2");
  put("upper/was-folder", "2");
  put("upper/fresh/.wh.never-there", "");
  put("upper/etc/os-release", "ID=upper");
  run({"tar", "-cf", "lower.tar", "-C", "tree", "."});
  run({"tar", "-czf", "upper.tar.gz", "-C", "upper", "."});
  put_layout({"lower.tar", "upper.tar.gz"});
  run({"tar", "-cf", "layout.tar", "-C", "layout", "."});
  for (const char* source : {"/layout", "/layout.tar"}) {
    ASSERT_EQ(code(root + source), "");
    const std::string rootfs = root + "/state/images/ami-x/rootfs/";
    for (const char* gone :
         {"gone", "folder/gone", "opaque/old", ".wh.gone", "opaque/.wh..wh..opq", "fresh/.wh.never-there"})
      EXPECT_FALSE(fs::exists(rootfs + gone)) << gone;
    EXPECT_EQ(content("folder/kept"), "1");
    EXPECT_EQ(content("folder/added"), "2");
    EXPECT_EQ(content("opaque/new"), "2");
    EXPECT_EQ(content("was-folder"), "2");
    EXPECT_EQ(content("etc/os-release"), "ID=upper");
    EXPECT_TRUE(fs::is_directory(rootfs + "fresh"));
    EXPECT_EQ(fs::directory_iterator(root + "/state/images")->path().filename(), "ami-x");
    ASSERT_TRUE(images->remove("ami-x"));
  }
}

TEST_F(ImagesOnDiskTest, RefusesLayoutsThatAreNotWhatTheySay) {
  run({"tar", "-cf", "lower.tar", "-C", "tree", "."});
  put_layout({"lower.tar"});
  const std::string layer = root + "/layout/blobs/sha256/" + blob("lower.tar").substr(7);
  std::ofstream(layer, std::ios::app) << "more";
  EXPECT_EQ(code(root + "/layout"), "InvalidParameterValue");
  fs::remove(layer);
  EXPECT_EQ(code(root + "/layout"), "InvalidParameterValue");
  put_index("sha256:../../../../etc/passwd");
  EXPECT_EQ(code(root + "/layout"), "InvalidParameterValue");
  put("layout/index.json", "{}");
  EXPECT_EQ(code(root + "/layout"), "InvalidParameterValue");
  put("layout/index.json", "[[");
  EXPECT_EQ(code(root + "/layout"), "InvalidParameterValue");
}

TEST_F(ImagesOnDiskTest, RefusesWhiteoutsOfNothing) {
  for (const char* name : {".wh.", ".wh..", ".wh..."}) {
    const std::string layer = root + "/layer", tree = root + "/target";
    fs::create_directories(layer);
    fs::create_directories(tree);
    std::ofstream(layer + "/" + name).flush();
    const auto merged = merge_layer(layer, tree);
    EXPECT_EQ(merged ? "" : merged.error().code, "InvalidParameterValue") << name;
    fs::remove_all(layer);
  }
}

TEST(OciLayout, OnlyDigestsBecomePaths) {
  const std::string hash(64, 'a');
  EXPECT_EQ(blob_path("/l", "sha256:" + hash).value(), "/l/blobs/sha256/" + hash);
  for (const std::string& bad : {std::string("sha256:"), "sha512:" + hash, "sha256:" + hash + "a",
                                 "sha256:../" + hash.substr(3), "sha256:" + std::string(64, 'A')})
    EXPECT_EQ(blob_path("/l", bad).error().code, "InvalidParameterValue") << bad;
}

}  // namespace
}  // namespace brume::compute
