package record

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FromJSON returns the value that a JSON text describes, in the forms that [ToJSON] writes. The
// order of an object's members does not matter. The error tells what is wrong and no value.
func FromJSON(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("parse value: %w: not valid UTF-8", ErrMalformed)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	r := jsonReader{dec: dec}
	out, err := r.value(nil, 0)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = fmt.Errorf("%w: more than one value", ErrMalformed)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("parse value: %w", err)
	}
	if rest, ok := skip(out, 0); !ok || len(rest) > 0 {
		return nil, fmt.Errorf("parse value: %w: over the limits of depth, elements or keys", ErrMalformed)
	}
	return out, nil
}

// jsonReader makes CBOR of JSON's tokens.
type jsonReader struct{ dec *json.Decoder }

// value appends the next value.
func (r jsonReader) value(out []byte, depth int) ([]byte, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	if depth > 4*maxDepth { // $map takes an object, a list and a pair for one map
		return nil, fmt.Errorf("%w: nested too deep", ErrMalformed)
	}
	switch t := token.(type) {
	case nil:
		return append(out, simpleNull), nil
	case bool:
		if t {
			return append(out, simpleTrue), nil
		}
		return append(out, simpleFalse), nil
	case string:
		return appendText(out, t), nil
	case json.Number:
		return appendNumber(out, t.String())
	case json.Delim:
		if t == '[' {
			return r.array(out, depth)
		}
	}
	return r.object(out, depth)
}

func (r jsonReader) array(out []byte, depth int) ([]byte, error) {
	var items []byte
	count := uint64(0)
	for ; r.dec.More(); count++ {
		var err error
		if items, err = r.value(items, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	return append(appendHead(out, majorArray, count), items...), nil
}

// object appends a map, or what a form stands for.
func (r jsonReader) object(out []byte, depth int) ([]byte, error) {
	var names []string
	values := map[string][]byte{}
	for r.dec.More() {
		token, err := r.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("%w: a key is there twice", ErrMalformed)
		}
		names = append(names, name)
		if values[name], err = r.value(nil, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "$") {
			return appendFormed(out, names, values[name])
		}
	}
	slices.SortFunc(names, compareNames)
	out = appendHead(out, majorMap, uint64(len(names)))
	for _, name := range names {
		out = append(appendText(out, name), values[name]...)
	}
	return out, nil
}

// appendFormed appends what an object of one of the forms stands for. content is already CBOR: of
// a text, or of a list for $map.
func appendFormed(out []byte, names []string, content []byte) ([]byte, error) {
	if len(names) > 1 {
		return nil, fmt.Errorf("%w: a key that begins with $ beside others; write such a map as %s", ErrMalformed, formMap)
	}
	if names[0] == formMap {
		return appendPairs(out, content)
	}
	text, rest, ok := readString(content, majorText)
	if !ok || len(rest) > 0 {
		return nil, malformedForm(names[0])
	}
	switch s := string(text); names[0] {
	case formBytes:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, malformedForm(formBytes)
		}
		return appendBytes(out, b), nil
	case formTime:
		if !isTime(s) {
			return nil, malformedForm(formTime)
		}
		return appendText(append(out, majorTag<<5|tagTime), s), nil
	case formInt:
		return appendDigits(out, s)
	case formFloat:
		return appendFloat(out, s)
	case formCBOR:
		b, err := hex.DecodeString(s)
		if rest, ok := skip(b, 0); err != nil || !ok || len(rest) > 0 {
			return nil, malformedForm(formCBOR)
		}
		return append(out, b...), nil
	}
	return nil, fmt.Errorf("%w: there is no form %.20q; write a map with such a key as %s", ErrMalformed, names[0], formMap)
}

func malformedForm(form string) error {
	return fmt.Errorf("%w: what %s holds is none", ErrMalformed, form)
}

// appendPairs appends the map that a list of pairs stands for, in its order.
func appendPairs(out, list []byte) ([]byte, error) {
	major, count, n := readHead(list)
	if n == 0 || major != majorArray {
		return nil, malformedForm(formMap)
	}
	out = appendHead(out, majorMap, count)
	rest, ok := list[n:], true
	for range count {
		if len(rest) == 0 || rest[0] != majorArray<<5|2 {
			return nil, malformedForm(formMap)
		}
		pair := rest[1:]
		if rest, ok = skipItems(pair, 2, 2, 1, 0); !ok {
			return nil, malformedForm(formMap)
		}
		out = append(out, pair[:len(pair)-len(rest)]...)
	}
	return out, nil
}

// appendNumber appends an integer, or a float if the number is written as one.
func appendNumber(out []byte, s string) ([]byte, error) {
	if strings.ContainsAny(s, ".eE") {
		return appendFloat(out, s)
	}
	return appendDigits(out, s)
}

func appendFloat(out []byte, s string) ([]byte, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xX_") {
		return nil, malformedForm(formFloat)
	}
	return float(f).appendSimple(out), nil
}

// maxDigits bounds the work on an integer: that grows faster than its digits.
const maxDigits = 4096

func appendDigits(out []byte, s string) ([]byte, error) {
	if len(s) > maxDigits {
		return nil, malformedForm(formInt)
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, malformedForm(formInt)
	}
	major, tag := byte(majorUint), byte(tagBigPositive)
	if n.Sign() < 0 {
		major, tag = majorNegative, tagBigNegative
		negative(n)
	}
	if n.IsUint64() {
		return appendHead(out, major, n.Uint64()), nil
	}
	return appendBytes(append(out, majorTag<<5|tag), n.Bytes()), nil
}
