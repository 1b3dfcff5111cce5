"""`whatnext bench`: what WhatNext costs on this machine, with the things it is compared to in the same run."""
