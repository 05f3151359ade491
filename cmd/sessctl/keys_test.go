package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// someKey has bytes that the two alphabets of base64 write in different ways.
var someKey = append(bytes.Repeat([]byte{0xfb, 0xff}, 15), 1, 2)

func TestKeyFiles(t *testing.T) {
	for name, content := range map[string]string{
		"raw": string(someKey), "hex": hex.EncodeToString(someKey), "capitals": strings.ToUpper(hex.EncodeToString(someKey)) + "\r\n",
		"base64": base64.StdEncoding.EncodeToString(someKey) + "\n", "base64url": " " + base64.RawURLEncoding.EncodeToString(someKey),
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		keys, err := (&keySource{files: []string{path}}).load()
		if err != nil || len(keys) != 1 || !bytes.Equal(keys[0], someKey) {
			t.Errorf("%s: %x, %v", name, keys, err)
		}
	}
}

func TestKeyFilesRefused(t *testing.T) {
	text := hex.EncodeToString(someKey)
	for name, tt := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"group":         {text, 0o640, "mode 0640"},
		"others":        {text, 0o604, "mode 0604"},
		"empty":         {"", 0o600, "it is empty"},
		"password":      {"correct horse battery staple 123", 0o600, "neither"},
		"half a key":    {text[:32], 0o600, "it has 16 bytes"},
		"two keys":      {text + "\n" + text, 0o600, "it has 96 bytes"},
		"31 raw bytes":  {string(someKey[:31]), 0o600, "neither"},
		"long":          {strings.Repeat("ab", 1<<12), 0o600, "it has 512 bytes"},
		"a mebibyte":    {strings.Repeat("\xff", 1<<20), 0o600, "neither"},
		"base64 of 33":  {base64.StdEncoding.EncodeToString(append(someKey, 1)), 0o600, "it has 33 bytes"},
		"hex and a dot": {text + ".", 0o600, "neither"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(tt.content), tt.mode); err != nil {
			t.Fatal(err)
		}
		keys, err := (&keySource{files: []string{path}}).load()
		if keys != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %x, %v, want %q", name, keys, err, tt.want)
		} else if tt.content != "" && strings.Contains(err.Error(), tt.content) {
			t.Errorf("%s: the error tells the key", name)
		}
	}
}
