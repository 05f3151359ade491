package admin

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// checkPeer returns an error unless the client at the other end may talk to this process.
func checkPeer(c *net.UnixConn) error {
	uid, err := peerUID(c)
	if err != nil {
		return err
	}
	return checkUsers(uid, os.Geteuid())
}

// checkServer returns an error unless the server at the other end is one to talk to.
func checkServer(c *net.UnixConn) error {
	uid, err := peerUID(c)
	if err != nil {
		return err
	}
	return checkUsers(os.Geteuid(), uid)
}

// peerUID returns whose process is at the other end: who connected, or who listened, at that time.
func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("ask for peer: %w", err)
	}
	var cred *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return -1, fmt.Errorf("ask for peer: %w", err)
	}
	return int(cred.Uid), nil
}

// gone says whether the client at the other end has closed its connection, as far as can be told
// without reading what it sent before: then nothing can be sent to it, not even nothing.
func gone(c *net.UnixConn) (is bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		_, failed := syscall.SendmsgN(int(fd), nil, nil, nil, syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT)
		is = failed == syscall.EPIPE || failed == syscall.ECONNRESET
	})
	return is || err != nil
}
