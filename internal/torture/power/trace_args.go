//go:build linux

package power

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// splitArgs splits the arguments of a call up to its closing parenthesis, and returns what follows.
func splitArgs(s string) (args []string, rest string, err error) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			n := quotedLen(s[i:])
			if n == 0 {
				return nil, "", errors.New("a string does not end")
			}
			i += n - 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				if last := strings.TrimSpace(s[from:i]); last != "" || len(args) > 0 {
					args = append(args, last)
				}
				return args, s[i+1:], nil
			}
		case ',':
			if depth == 0 {
				args = append(args, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return nil, "", errors.New("the arguments do not end")
}

// quotedLen returns how long the quoted string is that s begins with, 0 if it does not end.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// escapes are those of C that strace uses beside octal numbers.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'v': '\v', 'f': '\f', '"': '"', '\\': '\\'}

// bytes returns the bytes of argument i, which is a string. One that strace cut short is an error.
func (c *tracedCall) bytes(i int) ([]byte, error) {
	if i >= len(c.args) || len(c.args[i]) < 2 || c.args[i][0] != '"' || quotedLen(c.args[i]) != len(c.args[i]) {
		return nil, fmt.Errorf("%s: argument %d is no whole string", c.name, i)
	}
	s := c.args[i][1 : len(c.args[i])-1]
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		if b, ok := escapes[s[i]]; ok {
			out = append(out, b)
			continue
		}
		n := 0
		for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
			n++
		}
		b, err := strconv.ParseUint(s[i:i+n], 8, 8)
		if err != nil {
			return nil, fmt.Errorf("%s: escape %q", c.name, s[i:min(i+3, len(s))])
		}
		out = append(out, byte(b))
		i += n - 1
	}
	return out, nil
}

// number returns argument i, which is a number.
func (c *tracedCall) number(i int) (int64, error) {
	if i >= len(c.args) {
		return 0, fmt.Errorf("%s: no argument %d", c.name, i)
	}
	n, err := strconv.ParseInt(c.args[i], 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: argument %d: %w", c.name, i, err)
	}
	return n, nil
}

// has says whether argument i has a flag.
func (c *tracedCall) has(i int, flag string) bool {
	if i >= len(c.args) {
		return false
	}
	for f := range strings.SplitSeq(c.args[i], "|") {
		if f == flag {
			return true
		}
	}
	return false
}
