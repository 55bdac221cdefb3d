package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
)

const howConsole = `  Pages that show in the browser whether an item is in sync and, if not, why.
  crmsync serves them at ADMIN_ADDR, which by default only this machine can reach.
`

// fewestCharacters is the minimum length of the operator's password.
const fewestCharacters = 8

// console asks for the operator's login to the console. An empty line stands for admin, and for a new password.
func (s *setup) console(context.Context) error {
	user, password := s.known("ADMIN_USER"), s.known("ADMIN_PASSWORD")
	if user != "" && password != "" {
		return nil
	}
	s.printTitle("Console", howConsole)
	q := question{name: "ADMIN_USER", flag: "--admin-user", given: s.command.AdminUser, known: cmp.Or(user, "admin")}
	err := s.until(q, func(answer string) error {
		if strings.Contains(answer, ":") {
			return errors.New("must not contain a colon")
		}
		s.keep("ADMIN_USER", answer)
		return nil
	})
	if err != nil {
		return err
	}
	q = question{name: "ADMIN_PASSWORD", flag: "--admin-password", given: s.command.AdminPassword, secret: true,
		known: password}
	if password == "" {
		q.known, q.shown = rand.Text(), "a new one"
	}
	return s.until(q, func(answer string) error {
		if len(answer) < fewestCharacters {
			return fmt.Errorf("must have at least %d characters", fewestCharacters)
		}
		s.keep("ADMIN_PASSWORD", answer)
		return nil
	})
}

// sayConsole prints where the console is, and who may log in. The password is only in .env.
func (s *setup) sayConsole() {
	if s.values["ADMIN_USER"] == "" {
		return
	}
	host, port, err := net.SplitHostPort(cmp.Or(s.known("ADMIN_ADDR"), "127.0.0.1:9090"))
	if err != nil {
		return // the check has reported it
	}
	s.say("\nThe console, while serve runs: http://%s/ as %s; the password is ADMIN_PASSWORD in %s.",
		net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port), s.values["ADMIN_USER"], s.envPath())
}
