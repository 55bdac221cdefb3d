package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/schematest"
)

// person is a user at a terminal, who waits for a question and types.
type person struct {
	t      *testing.T
	master *os.File
	chunks chan string
	unread string
	all    string
}

func sit(t *testing.T, master *os.File) *person {
	p := &person{t: t, master: master, chunks: make(chan string, 1000)}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := p.master.Read(buffer)
			if err != nil {
				close(p.chunks)
				return
			}
			p.chunks <- string(buffer[:n])
		}
	}()
	return p
}

// sees waits until a text appears, and forgets everything up to it.
func (p *person) sees(text string) {
	p.t.Helper()
	patience := time.NewTimer(90 * time.Second)
	defer patience.Stop()
	for {
		if _, rest, found := strings.Cut(p.unread, text); found {
			p.unread = rest
			return
		}
		select {
		case chunk := <-p.chunks:
			p.unread += chunk
			p.all += chunk
		case <-patience.C:
			p.t.Fatalf("waited in vain for %q; unread:\n%s", text, p.unread)
		}
	}
}

func (p *person) types(line string) {
	p.t.Helper()
	if _, err := p.master.WriteString(line + "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// typesHidden types a secret once the terminal shows nothing of it.
func (p *person) typesHidden(slave *os.File, line string) {
	p.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
		if err != nil {
			p.t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			break
		}
	}
	p.types(line)
}

// TestInitTerminal sets the program up on a terminal: after a wrong answer the question is repeated, secrets do not
// appear, and a missing key is looked for again once it exists.
func TestInitTerminal(t *testing.T) {
	t.Parallel()
	key := sfsim.KeyField
	objects := sfsim.Standard()
	for n := range objects {
		if objects[n].Name == "Account" {
			for f := range objects[n].Fields {
				if objects[n].Fields[f].Name == key {
					objects[n].Fields[f].Name = "Other__c"
				}
			}
		}
	}
	s, err := stage.Set(t.Context(), stage.Config{
		Database: schematest.URL(t), Monday: mondaysim.Config{Token: "monday-token-of-ours"},
		Salesforce: sfsim.Config{ClientID: "client-id", ClientSecret: "client-secret-of-ours", Objects: objects},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	master, slave := pseudoterminal(t)
	p := sit(t, master)
	dir := t.TempDir()
	env := map[string]string{"MONDAY_API_URL": s.Env["MONDAY_API_URL"], "TERM": "dumb"}
	code := make(chan int, 1)
	go func() {
		process := Process{Getenv: func(name string) string { return env[name] }, Stdin: slave, Stdout: slave, Stderr: slave}
		code <- process.Run(t.Context(), []string{"init", "--dir", dir})
	}()
	p.sees("DATABASE_URL, such as")
	p.types(s.Env["DATABASE_URL"])
	p.sees("✓ Postgres: ")
	p.sees("MONDAY_API_TOKEN: ")
	p.typesHidden(slave, "wrong-token")
	p.sees("✗ Monday: ")
	p.sees("MONDAY_API_TOKEN: ")
	p.typesHidden(slave, "monday-token-of-ours")
	p.sees("✓ Monday: logged in")
	for _, secret := range []string{"wrong-secret", "client-secret-of-ours"} {
		p.sees("SALESFORCE_LOGIN_URL")
		p.types(s.Env["SALESFORCE_LOGIN_URL"])
		p.sees("SALESFORCE_CLIENT_ID")
		p.types("client-id")
		p.sees("SALESFORCE_CLIENT_SECRET")
		p.typesHidden(slave, secret)
	}
	p.sees("✓ Salesforce: logged in")
	p.sees("Boards to sync")
	p.types("nonsense")
	p.sees(`"nonsense" is neither`)
	p.sees("Boards to sync")
	p.types("1")
	p.sees("[Account]")
	p.types("")
	p.sees("✗ Account has no key field " + key)
	p.sees("Press Enter to check again")
	p.types("")
	p.sees("✗ Account has no key field " + key)
	p.sees("Press Enter to check again")
	p.types("later")
	p.sees("INGEST_URL")
	p.types("")
	p.sees("ADMIN_USER [admin]: ")
	p.types("ada")
	p.sees("ADMIN_PASSWORD [a new one]: ")
	p.typesHidden(slave, "short")
	p.sees("at least 8 characters")
	p.sees("ADMIN_PASSWORD [a new one]: ")
	p.typesHidden(slave, "password-of-ours")
	p.sees("Next, in ")
	p.sees("The console, while serve runs: http://127.0.0.1:9090/ as ada; the password is ADMIN_PASSWORD in ")
	if got := <-code; got != ExitFailed {
		t.Errorf("exit code %d, want 1: the key is missing", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil || !strings.Contains(string(text), "\nMONDAY_API_TOKEN=monday-token-of-ours\n") ||
		!strings.Contains(string(text), "\nADMIN_PASSWORD=password-of-ours\n") {
		t.Errorf(".env: %v\n%s", err, text)
	}
	if strings.Contains(p.all, "of-ours") || strings.Contains(p.all, "wrong-") {
		t.Errorf("a secret appears:\n%s", p.all)
	}
}
