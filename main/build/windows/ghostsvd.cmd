@echo off
rem The command line of the application beside this file. A script is waited for, which a program with windows is not.
"%~dp0GhostSVD.exe" %*
exit /b %errorlevel%
