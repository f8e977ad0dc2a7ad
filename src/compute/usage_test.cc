#include "compute/usage.h"

#include <gtest/gtest.h>

namespace brume::compute {
namespace {

TEST(Usage, CpuTimeOfEitherVersion) {
  Usage two;
  add_cpu_stat("usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\n", two);
  EXPECT_EQ(two.cpu_time, std::chrono::milliseconds(1500));
  Usage one;
  add_cpuacct_usage("2000000000\n", one);
  EXPECT_EQ(one.cpu_time, std::chrono::seconds(2));
  // cpu.stat of version 1 has only throttling in it.
  add_cpu_stat("nr_periods 3\nnr_throttled 0\nthrottled_time 0\n", one);
  EXPECT_EQ(one.cpu_time, std::chrono::seconds(2));
}

TEST(Usage, MemoryWithoutWhatCanBeTakenBack) {
  Usage two, one, odd;
  add_memory("1000000\n", "anon 500000\ninactive_file 300000\nactive_file 1\n", two);
  EXPECT_EQ(two.memory_bytes, 700000);
  add_memory("1000000\n", "cache 5\ninactive_file 1\ntotal_inactive_file 400000\n", one);
  EXPECT_EQ(one.memory_bytes, 600000);
  add_memory("10\n", "inactive_file 300\n", odd);
  EXPECT_EQ(odd.memory_bytes, 0);
}

TEST(Usage, DisksAreAddedUp) {
  Usage two;
  add_io_stat("8:0 rbytes=4096 wbytes=100 rios=2 wios=1 dbytes=0 dios=0\n254:0 rbytes=4 wbytes=1 rios=1 wios=1\n7:0 \n",
              two);
  EXPECT_EQ(two.disk_read_bytes, 4100);
  EXPECT_EQ(two.disk_write_bytes, 101);
  EXPECT_EQ(two.disk_read_operations, 3);
  EXPECT_EQ(two.disk_write_operations, 2);
  Usage one;
  add_blkio_bytes("8:0 Read 4096\n8:0 Write 512\n8:0 Sync 1\n8:0 Total 4608\nTotal 4608\n", one);
  add_blkio_operations("8:0 Read 3\n8:0 Write 2\nTotal 5\n", one);
  EXPECT_EQ(one.disk_read_bytes, 4096);
  EXPECT_EQ(one.disk_write_bytes, 512);
  EXPECT_EQ(one.disk_read_operations, 3);
  EXPECT_EQ(one.disk_write_operations, 2);
}

TEST(Usage, InterfacesWithoutLoopback) {
  Usage usage;
  add_network_devices(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
      "compressed\n"
      "    lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0\n"
      "  eth0: 1200 10 0 0 0 0 0 0 3400 20 0 0 0 0 0 0\n"
      "  eth1:1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n",
      usage);
  EXPECT_EQ(usage.network_in_bytes, 1201);
  EXPECT_EQ(usage.network_in_packets, 11);
  EXPECT_EQ(usage.network_out_bytes, 3402);
  EXPECT_EQ(usage.network_out_packets, 22);
}

TEST(Usage, NonsenseCountsNothing) {
  Usage usage;
  for (auto* add : {&add_cpu_stat, &add_cpuacct_usage, &add_io_stat, &add_blkio_bytes, &add_network_devices})
    for (const char* text : {"", "\n", "x", "usage_usec", "usage_usec 1 2 3", "8:0 rbytes=", "8:0 rbytes=x", "a b c d"})
      add(text, usage);
  EXPECT_EQ(usage, Usage());
}

}  // namespace
}  // namespace brume::compute
