package boltfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// The numbers are those of statfs(2).
var (
	networkFS = map[uint32]string{0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "CIFS", 0xFE534D42: "SMB2"}
	strangeFS = map[uint32]string{
		0x65735546: "FUSE", 0x01021997: "9P", 0x5346414F: "AFS", 0x00C36400: "Ceph",
		0x0BD00BD0: "Lustre", 0x01161970: "GFS2", 0x7461636F: "OCFS2", 0x786F4256: "vboxsf",
	}
)

// checkFS refuses the network file systems whose locks and mappings are known not to hold, and
// warns of those that may be good or bad.
func checkFS(dir string, warn func(string)) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return nil // nothing known against it
	}
	return judgeFS(dir, uint32(st.Type), warn)
}

func judgeFS(dir string, kind uint32, warn func(string)) error {
	if name := networkFS[kind]; name != "" {
		return fmt.Errorf("%s: %w: %s does not keep bbolt's locks and mappings safe; use a local disk", dir, ErrNetworkFS, name)
	}
	if name := strangeFS[kind]; name != "" {
		warn(dir + ": the file system is " + name + ", which may not keep bbolt's locks and syncs; a local disk is safer")
	}
	return nil
}

// holder names the process that holds a lock on f, as far as /proc tells.
func holder(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return ""
	}
	defer locks.Close()
	pid := lockPID(locks, uint64(st.Dev), uint64(st.Ino))
	if pid <= 0 {
		return "" // unknown, or in a namespace that we cannot see
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d (%s)", pid, strings.TrimSpace(string(comm)))
}

// lockPID finds the holder of the flock on an inode in the text of /proc/locks, where a line is
//
//	1: FLOCK  ADVISORY  WRITE 4321 08:02:131 0 EOF
//
// Layered file systems give another device there than stat does: an inode that only one lock
// has will do.
func lockPID(locks io.Reader, dev, ino uint64) int {
	major := dev>>8&0xfff | dev>>32&^0xfff
	minor := dev&0xff | dev>>12&^0xff
	found, others := 0, 0
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		var n, pid int
		var kind, mode, access string
		var maj, mnr, in uint64
		_, err := fmt.Sscanf(lines.Text(), "%d: %s %s %s %d %x:%x:%d", &n, &kind, &mode, &access, &pid, &maj, &mnr, &in)
		if err != nil || kind != "FLOCK" || in != ino {
			continue
		}
		if maj == major && mnr == minor {
			return pid
		}
		found, others = pid, others+1
	}
	if others == 1 {
		return found
	}
	return 0
}
