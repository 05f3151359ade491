package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// keySize is the length of a key of session.BoltOptions in bytes.
const keySize = 32

// keysVariable names the environment variable that keys are in.
const keysVariable = "SESSION_KEYS"

// keyHelp is what commands that take keys say of them.
const keyHelp = `A key is 32 random bytes, in a file that nobody but you can read: the bytes
themselves, in hex or in base64 ("openssl rand -hex 32" makes one). Name the files
with --key-file, or put keys in hex or base64 into SESSION_KEYS, separated by commas;
it is not looked at when there is a --key-file. Values are written with the first.
Never give a key itself as an argument: everybody on the machine can read those.`

// keySource is where a command gets the keys of encrypted values from.
type keySource struct {
	used  bool // the command has the flag
	files []string
}

// flag adds the flag --key-file to a command.
func (k *keySource) flag(cmd *cobra.Command) {
	k.used = true
	cmd.Flags().StringArrayVar(&k.files, "key-file", nil, "read a key from this file; may be given several times, the first one writes")
}

// load returns the keys for session.BoltOptions; nil when there are none. No error tells a key.
func (k *keySource) load() (keys [][]byte, err error) {
	for _, path := range k.files {
		key, err := readKeyFile(path)
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		keys = append(keys, key)
	}
	list := strings.TrimSpace(os.Getenv(keysVariable))
	if len(keys) > 0 || list == "" {
		return keys, nil
	}
	for i, text := range strings.Split(list, ",") {
		key, err := parseKey([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("key %d in %s: %w", i+1, keysVariable, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// readKeyFile reads a key from a file that only its owner can read. It may be a pipe.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is named already
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("others can use it (mode %04o); make it private with chmod 600, and think of whether the key is still a secret", mode)
	}
	const enough = 1 << 10
	data, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return nil, err
	}
	if len(data) == keySize && !isText(data) {
		return data, nil
	}
	return parseKey(data)
}

// isText says whether bytes were typed by somebody: random ones never are.
func isText(data []byte) bool {
	return bytes.IndexFunc(data, func(r rune) bool { return r != '\n' && r != '\r' && r != '\t' && (r < ' ' || r > '~') }) < 0
}

// parseKey reads a key in hex or base64, of either alphabet, padded or not.
func parseKey(text []byte) ([]byte, error) {
	s := strings.TrimSpace(string(text))
	if s == "" {
		return nil, errors.New("it is empty")
	}
	if key, err := hex.DecodeString(s); err == nil {
		return sized(key)
	}
	s = strings.TrimRight(s, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := enc.DecodeString(s); err == nil {
			return sized(key)
		}
	}
	return nil, errors.New("it is neither 32 bytes nor hex or base64 of them")
}

func sized(key []byte) ([]byte, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("it has %d bytes, a key has %d", len(key), keySize)
	}
	return key, nil
}
