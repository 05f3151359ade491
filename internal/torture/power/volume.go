//go:build linux

package power

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// volumeSize is what a store with some backups needs, and can be copied in a moment.
const volumeSize = 32 << 20

// A volume is an ext4 file system in a file.
type volume struct {
	file string
	dir  string // where it is mounted; "" while it is not
}

// newVolume makes one.
func newVolume(ctx context.Context, file string) (*volume, error) {
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, volumeSize)); err != nil {
		return nil, err
	}
	flags := "lazy_itable_init=0,lazy_journal_init=0" // nothing writes but who works on it
	return &volume{file: file}, quietly(exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", "-E", flags, file))
}

// mount mounts it. What a power cut left it in is repaired by its journal.
func (v *volume) mount(ctx context.Context, dir, options string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := quietly(exec.CommandContext(ctx, "mount", "-t", "ext4", "-o", "loop,"+options, v.file, dir)); err != nil {
		return err
	}
	v.dir = dir
	return nil
}

func (v *volume) unmount() error {
	if v.dir == "" {
		return nil
	}
	if err := quietly(exec.Command("umount", v.dir)); err != nil {
		return err
	}
	v.dir = ""
	return nil
}

// store makes the directory for a store on the volume, on its disk.
func (v *volume) store() (string, error) {
	dir := filepath.Join(v.dir, "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	top, err := os.Open(v.dir)
	if err != nil {
		return "", err
	}
	return dir, errors.Join(top.Sync(), top.Close())
}

// copy makes another volume of what is on the disk of this one. The system may just be writing
// there, so it counts only when it has stayed the same.
func (v *volume) copy(file string) (*volume, error) {
	var before []byte
	for range 50 {
		now, err := os.ReadFile(v.file)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(before, now) {
			return &volume{file: file}, os.WriteFile(file, now, 0o600)
		}
		before = now
	}
	return nil, errors.New("the disk keeps changing")
}

// quietly runs a command, whose output counts when it fails.
func quietly(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
