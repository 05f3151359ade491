//go:build linux

package main

import "context"

func damageLive(ctx context.Context, t *trial) error      { return nil }
func damageRecover(ctx context.Context, t *trial) error   { return nil }
func damageCheckCost(ctx context.Context, t *trial) error { return nil }
