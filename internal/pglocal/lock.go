package pglocal

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// Locks are flock's: they belong to the open file and end with the last process that holds it, so they never outlive
// a killed process.

// waitLock opens the file and locks it exclusively.
func waitLock(ctx context.Context, name string) (*os.File, error) {
	return openLocked(ctx, name, syscall.LOCK_EX)
}

// shareLock opens the file and locks it together with others.
func shareLock(ctx context.Context, name string) (*os.File, error) {
	return openLocked(ctx, name, syscall.LOCK_SH)
}

// tryLock is waitLock, but returns nil instead of waiting.
func tryLock(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockNow(file)
	if err == nil {
		return file, nil
	}
	file.Close()
	if busy(err) {
		return nil, nil
	}
	return nil, err
}

// lockNow fails if others hold the file.
func lockNow(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func openLocked(ctx context.Context, name string, how int) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = await(ctx, func() (bool, error) {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if busy(err) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func busy(err error) bool {
	return errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR)
}
