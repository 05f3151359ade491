// Package record makes and reads the bytes that a store keeps: one value, the values of one
// component, a session's metadata, and the envelope with version and checksum around the
// latter two, in clear or encrypted. docs/format.md is the description of them. It is the only
// importer of the CBOR library.
package record
