package database_test

import (
	"testing"

	"crmsync/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m) }
