module github.com/boltsession/session

go 1.25.0

require (
	github.com/fxamacker/cbor/v2 v2.9.6
	github.com/robfig/cron/v3 v3.0.1
	go.etcd.io/bbolt v1.5.0
)

require (
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/sys v0.45.0 // indirect
)
