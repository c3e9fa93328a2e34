#!/usr/bin/env node
/**
 * The command, which has to be there before anything is built for a package manager to link it.
 *
 * @module
 */

import '../dist/main.js'
