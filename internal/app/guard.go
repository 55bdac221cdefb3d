package app

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode"

	"crmsync/internal/console"
)

// guard admits those who have a user and a password: operators, who may act, and viewers, who may only read.
type guard struct {
	accounts []account
	header   string         // in which a proxy names the person; empty: the account is all that is known
	proxies  []netip.Prefix // from which the header is taken
	wrong    *guesses
	log      *slog.Logger
	foreign  sync.Once // the header came from elsewhere
}

// account is a user and a password, as hashes, so that a comparison takes the same time whatever is given.
type account struct {
	user, password [sha256.Size]byte
	operator       bool
}

func (s *Service) newGuard(wrong *guesses) *guard {
	g := &guard{header: s.Config.UserHeader, proxies: s.Config.UserProxies, wrong: wrong, log: s.Log}
	for _, a := range []struct {
		user, password string
		operator       bool
	}{{s.Config.AdminUser, s.Config.AdminPassword, true}, {s.Config.ViewerUser, s.Config.ViewerPassword, false}} {
		if a.user != "" {
			g.accounts = append(g.accounts, account{sha256.Sum256([]byte(a.user)), sha256.Sum256([]byte(a.password)),
				a.operator})
		}
	}
	return g
}

// lets asks for user and password, and passes on the requests of those who have them. Viewers are refused what is for
// operators only.
func (g *guard) lets(next http.Handler, operatorsOnly bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, given := r.BasicAuth()
		known, operator := g.knows(name, password)
		if !known {
			if given && g.wrong.refuse(r) {
				answer(w, http.StatusTooManyRequests, "too many wrong logins")
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="crmsync", charset="UTF-8"`)
			answer(w, http.StatusUnauthorized, "user and password are required")
			return
		}
		if operatorsOnly && !operator {
			answer(w, http.StatusForbidden, "only an operator may see this")
			return
		}
		if person := g.person(r); person != "" {
			name = person
		}
		next.ServeHTTP(w, console.WithUser(r, console.User{Name: name, Operator: operator}))
	})
}

// knows reports whether there is such an account, and whether it is an operator's. It takes the same time for all.
func (g *guard) knows(name, password string) (known, operator bool) {
	user, secret := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))
	for _, a := range g.accounts {
		if subtle.ConstantTimeCompare(a.user[:], user[:])&subtle.ConstantTimeCompare(a.password[:], secret[:]) == 1 {
			known, operator = true, a.operator
		}
	}
	return known, operator
}

// isProxy reports whether a connection comes from a proxy.
func (g *guard) isProxy(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	address := from.Addr().Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(g.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// longestName is the maximum number of characters of a name.
const longestName = 100

// person returns the person that the proxy names, or "" if that cannot be a name. A header that does not come from a
// proxy, or that occurs twice because the proxy has passed on a client's own, names nobody.
func (g *guard) person(r *http.Request) string {
	if g.header == "" || len(r.Header.Values(g.header)) != 1 {
		return ""
	}
	if !g.isProxy(r.RemoteAddr) {
		g.foreign.Do(func() {
			g.log.Warn("the header that names the person came from an address that CONSOLE_PROXIES does not contain, and is "+
				"ignored", "address", r.RemoteAddr)
		})
		return ""
	}
	name := []rune(strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, r.Header.Get(g.header))))
	return string(name[:min(len(name), longestName)])
}
