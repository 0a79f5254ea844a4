/* The version of this program; the build file says the same, and a test compares them. */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#define MILLRACE_VERSION "0.1.0"

#endif
